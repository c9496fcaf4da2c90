# The sources of the runtime, relative to runtime/.
set(NIBBLE_RUNTIME_SOURCES
    threads/Team.cpp
)
