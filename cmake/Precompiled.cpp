// Gives the precompiled header (Precompiled.h) a translation unit to be built with.
