/* utf8.h: characters of texts that need not be trusted. Any thread. */
#ifndef CORE_BASE_UTF8_H
#define CORE_BASE_UTF8_H

#include "core/base/bytes.h"

/* The length of the well-formed UTF-8 sequence at the beginning of the text, or 0 (Unicode 15,
 * table 3-7; a NUL counts as none). */
size_t utf8_sequence(struct bytes text);

/* Does the text begin with a control character, which a terminal may obey: below U+0020, U+007F, or
 * one of U+0080 to U+009F? */
bool utf8_is_control(struct bytes text);

#endif
