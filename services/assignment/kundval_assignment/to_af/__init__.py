"""Messages to the employment service (AF): written, let through the purpose gate, sent, answered.

`write` takes what people do, `sending` hands over, `answers` takes in what comes back; `look` shows where each stands.
What is to be told, when, and which step may follow which is in `domain.to_af`.
"""
