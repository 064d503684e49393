-- A number that belongs to what a notice says and to which provider it goes: whether that has changed is seen without
-- reading it. NULL: stored before there was one.
ALTER TABLE notice ADD COLUMN said integer;
