"""Questions about money: what if, what will a year cost, what may it cost.

`work` carries them out in the background, in a process of its own (`__main__`, `reckon`); `show`, `form`,
`chart` and `page` say what came out. `local` answers the question "what if" over a caseload file, without a service.
"""
