"""How compiled state works: layouts of fixed rows in one buffer, compilation, the pure and strict modes, the cache key.

Kernel functions are ordinary Python functions tagged with `@kernel`. As they stand they run uncompiled on row objects
(pure mode, for tests, tracebacks and coverage); `compile.Compiler` makes compiled twins of the same source. This package is told
its mode and its cache directory by the composition root: it reads no environment.
"""
