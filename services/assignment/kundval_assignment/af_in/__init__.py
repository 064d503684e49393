"""What the employment service tells: asked of it over SOAP, or handed in as files and by RPC. All of it passes the
purpose gate before it is fetched or kept.
"""
