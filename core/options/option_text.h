/* option_text.h: what is made from a table of options for people. Any thread. */
#ifndef CORE_OPTIONS_OPTION_TEXT_H
#define CORE_OPTIONS_OPTION_TEXT_H

#include "core/base/json.h"
#include "core/options/option_table.h"

#include <stdio.h>

void option_text_help(FILE *out, const struct option_table *table);
/* One object with the effective values in the order of the table, without the group "This
 * program". */
void option_text_json(FILE *out, const struct option_table *table, const void *values);
/* The same as a member of something larger. */
void option_text_json_object(struct json *json, const char *key, const struct option_table *table,
                             const void *values);
void option_text_man(FILE *out, const struct option_table *table); /* an OPTIONS section, man(7) */
void option_text_completion(FILE *out, const struct option_table *table); /* a bash function */

#endif
