# The sources of the runtime, relative to runtime/.
set(NIBBLE_RUNTIME_SOURCES
    core/Engine.cpp
    core/Sampler.cpp
    core/Session.cpp
    core/TextStream.cpp
    main/Answer.cpp
    main/Bench.cpp
    main/Chat.cpp
    main/ChatRenderer.cpp
    main/Info.cpp
    main/Measure.cpp
    main/Options.cpp
    main/Profile.cpp
    main/Program.cpp
    platform/Artifact.cpp
    platform/CpuFeatures.cpp
    platform/Memory.cpp
    platform/Output.cpp
    text/ChatBuiltins.cpp
    text/ChatMachine.cpp
    text/ChatOperators.cpp
    text/ChatStrings.cpp
    text/ChatTemplate.cpp
    text/Encode.cpp
    text/StreamDecoder.cpp
    text/TextError.cpp
    text/Tokenizer.cpp
    text/WordScanner.cpp
    threads/OpTimes.cpp
    threads/Team.cpp
)

# Only in programs: tests have a main of their own, and a C++ library.
set(NIBBLE_RUNTIME_PROGRAM_SOURCES
    main/Main.cpp
    platform/LibraryFailure.cpp
)
