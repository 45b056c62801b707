/* options.h: the load generator's options, as core/options/option_table.h makes them of
 * options.def. */
#ifndef TOOLS_LOAD_OPTIONS_H
#define TOOLS_LOAD_OPTIONS_H

#include "core/options/option_table.h"

struct load_settings {
#define OPTION(kind, field, ...) option_type_##kind field;
#include "tools/load/options.def"
#undef OPTION
};

extern const struct option_table load_options;

#endif
