"""What the employment service (Arbetsförmedlingen, AF) sends, read into the suite's own words: the one place that knows
its forms. Pure: bytes in, values or a typed fault out.

Reading XML takes lxml: `pip install kundval-contracts[af]`.
"""
