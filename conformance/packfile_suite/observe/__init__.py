"""What a program does with a file, seen from outside: by the kernel's own figures, for any program and any format.

`proc` reads /proc, `identity` tells which mappings are a file's, `calibrate` finds out how coarse this kernel's
figures are, `trace` stops a program where there is something to see, `watch` puts looks together, `judge` compares them
with the promise to run in place, and `report` tells. What the kernel does not show is Unobservable, with the reason.
"""
