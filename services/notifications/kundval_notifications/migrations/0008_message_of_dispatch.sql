-- What is handed over changes the messages that it carries: they are found by it, not among all that wait.
CREATE INDEX message_of_dispatch ON message (dispatch) WHERE dispatch IS NOT NULL;
