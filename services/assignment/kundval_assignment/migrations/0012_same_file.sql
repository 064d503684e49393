-- Which assignments have the same file as evidence.
CREATE INDEX document_by_content ON document (tenant, sha256);
