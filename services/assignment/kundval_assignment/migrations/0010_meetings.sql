-- What scheduling has told of meetings: the revision heard last, and the fact that stands for the booking.
CREATE TABLE heard_meeting (
    tenant          text NOT NULL,
    assignment      text NOT NULL,
    meeting         text NOT NULL,
    revision        integer NOT NULL,
    booked          text,
    PRIMARY KEY (tenant, assignment, meeting)
);
