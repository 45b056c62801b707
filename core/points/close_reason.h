/* close_reason.h: why a connection ends: what is decided in many places, counted and logged. */
#ifndef CORE_POINTS_CLOSE_REASON_H
#define CORE_POINTS_CLOSE_REASON_H

/* 0 (NONE) is for a connection that stays open. */
enum close_reason {
#define CLOSE_REASON(id, text) CLOSE_##id,
#include "core/points/close_reasons.def"
#undef CLOSE_REASON
    CLOSE_REASON_COUNT
};

/* What people read, and the word in the .def list, which programs read. */
const char *close_reason_text(enum close_reason reason);
const char *close_reason_name(enum close_reason reason);

#endif
