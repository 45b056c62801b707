/* close_reason.c: the texts and names of close_reasons.def. See close_reason.h. */
#include "core/points/close_reason.h"

static const char *const close_reason_texts[] = {
#define CLOSE_REASON(id, text) text,
#include "core/points/close_reasons.def"
#undef CLOSE_REASON
};

const char *close_reason_text(enum close_reason reason)
{
    return close_reason_texts[reason];
}

static const char *const close_reason_names[] = {
#define CLOSE_REASON(id, text) #id,
#include "core/points/close_reasons.def"
#undef CLOSE_REASON
};

const char *close_reason_name(enum close_reason reason)
{
    return close_reason_names[reason];
}
