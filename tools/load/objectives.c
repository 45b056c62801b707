/* objectives.c: see objectives.h. */
#include "tools/load/objectives.h"

#include "core/options/option_table.h"

#include <stdlib.h>
#include <string.h>

bool objective_parse(const char *text, struct objective *objective)
{
    const char *equals = strchr(text, '=');
    *objective = (struct objective){.text = text, .share = 1};
    if (equals == NULL || !option_parse_time(equals + 1, &objective->limit_ns) ||
        objective->limit_ns == 0) {
        return false;
    }
    if (strncmp(text, "max=", 4) == 0) {
        return true;
    }
    size_t len = strspn(text + 1, "0123456789.");
    char *end;
    objective->share = strtod(text + 1, &end) / 100;
    return text[0] == 'p' && len > 0 && text + 1 + len == equals && end == equals &&
           objective->share > 0 && objective->share < 1;
}

uint64_t objective_value_ns(const struct objective *objective, const struct fine *latency)
{
    return objective->share < 1 ? fine_percentile(latency, objective->share) : latency->max;
}

bool objective_is_met(const struct objective *objective, const struct fine *latency)
{
    return latency->count > 0 && objective_value_ns(objective, latency) <= objective->limit_ns;
}
