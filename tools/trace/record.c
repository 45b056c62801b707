/* record.c: the names of methods. See record.h. */
#include "tools/trace/record.h"

#include "core/http/request.h"

const char *record_method(const struct trace_record *record)
{
    switch (record->method) {
    case METHOD_GET:
        return "GET";
    case METHOD_HEAD:
        return "HEAD";
    case METHOD_POST:
        return "POST";
    case METHOD_PUT:
        return "PUT";
    case METHOD_DELETE:
        return "DELETE";
    case METHOD_OPTIONS:
        return "OPTIONS";
    default:
        return "-";
    }
}
