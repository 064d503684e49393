"""From a notice to the person whom it is for: routing, handing over, receipts, and the proof of it.

`routing` decides by which way a pending message goes and forms what leaves (a dispatch); `sending` hands dispatches
over, each attempt entered before it is made; `receipts` notes what the other side says; `acts` is what people do about
a message; `post` runs all of it in the service.
"""
