"""Words and numbers every other layer speaks: ids, money, time, instruments, closed enums. Imports nothing of ours."""
