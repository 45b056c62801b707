/* environment.h: the machine a measurement was taken on, as JSON: what a reader needs to know
 * before comparing two runs. No host name. Any thread. */
#ifndef CORE_REPORT_ENVIRONMENT_H
#define CORE_REPORT_ENVIRONMENT_H

#include "core/base/json.h"

/* An object: kernel, machine, cpu, cpus online and allowed, clock source, page size, memory, limit
 * of descriptors, start time. Values that the system does not report are null or 0. */
void environment_to_json(struct json *json, const char *key);

/* An object: version, compiler, whether the trace points, the USDT probes and the debug checks are
 * compiled in, the libraries that run. */
void build_to_json(struct json *json, const char *key);

/* The same three in words, for --version. */
const char *build_features(void);

#endif
