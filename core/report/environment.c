/* environment.c: asking the system what it is. See environment.h. */
#include "core/report/environment.h"

#include "core/base/libraries.h"

#include <sched.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

/* clang's version text names it, gcc's is the number alone. */
#ifdef __clang__
#define COMPILER __VERSION__
#else
#define COMPILER "gcc " __VERSION__
#endif

enum { LINE = 256 };

static void put_kernel(struct json *json)
{
    struct utsname name;
    bool known = uname(&name) == 0;
    json_text(json, "system", known ? name.sysname : NULL);
    json_text(json, "kernel", known ? name.release : NULL);
    json_text(json, "machine", known ? name.machine : NULL);
}

/* The first line of a file that begins with `start`, without its line feed. */
static bool first_line(const char *path, const char *start, char line[LINE])
{
    FILE *in = fopen(path, "re");
    if (in == NULL) {
        return false;
    }
    bool found = false;
    while (!found && fgets(line, LINE, in) != NULL) {
        found = strncmp(line, start, strlen(start)) == 0;
    }
    (void)fclose(in); /* read only: nothing can be lost */
    line[found ? strcspn(line, "\n") : 0] = '\0';
    return found;
}

static uint64_t sysconf_number(int name)
{
    long value = sysconf(name);
    return value > 0 ? (uint64_t)value : 0;
}

static void put_cpu(struct json *json)
{
    char line[LINE];
    bool known = first_line("/proc/cpuinfo", "model name", line);
    const char *value = known ? strchr(line, ':') : NULL;
    json_text(json, "cpu", value != NULL ? value + 1 + strspn(value + 1, " ") : NULL);

    cpu_set_t allowed;
    CPU_ZERO(&allowed);
    bool told = sched_getaffinity(0, sizeof allowed, &allowed) == 0;
    json_number(json, "cpus_online", sysconf_number(_SC_NPROCESSORS_ONLN));
    json_number(json, "cpus_allowed", told ? (uint64_t)CPU_COUNT(&allowed) : 0);

    known =
        first_line("/sys/devices/system/clocksource/clocksource0/current_clocksource", "", line);
    json_text(json, "clock_source", known ? line : NULL);
}

static void put_limits(struct json *json)
{
    uint64_t page = sysconf_number(_SC_PAGESIZE);
    json_number(json, "page_size", page);
    json_number(json, "memory_bytes", sysconf_number(_SC_PHYS_PAGES) * page);
    struct rlimit limit;
    bool known = getrlimit(RLIMIT_NOFILE, &limit) == 0;
    json_number(json, "descriptors", known ? (uint64_t)limit.rlim_cur : 0);
}

static void put_time(struct json *json)
{
    char text[32] = "";
    time_t now = time(NULL);
    struct tm tm;
    bool known =
        gmtime_r(&now, &tm) != NULL && strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &tm) > 0;
    json_text(json, "started", known ? text : NULL);
}

void environment_to_json(struct json *json, const char *key)
{
    json_begin_object(json, key);
    put_kernel(json);
    put_cpu(json);
    put_limits(json);
    put_time(json);
    json_end(json);
}

void build_to_json(struct json *json, const char *key)
{
    bool trace_points = false, probes = false, checked = false;
#ifdef QUARTET_TRACE
    trace_points = true;
#endif
#ifdef QUARTET_USDT
    probes = true;
#endif
#ifdef QUARTET_CHECKED
    checked = true;
#endif
    json_begin_object(json, key);
    json_text(json, "version", QUARTET_VERSION);
    json_text(json, "compiler", COMPILER);
    json_bool(json, "trace_points", trace_points);
    json_bool(json, "probes", probes);
    json_bool(json, "checked", checked);
    libraries_to_json(json, "libraries");
    json_end(json);
}

const char *build_features(void)
{
    return
#ifdef QUARTET_TRACE
        "trace points"
#else
        "no trace points"
#endif
#ifdef QUARTET_USDT
        ", USDT probes"
#endif
#ifdef QUARTET_CHECKED
        ", debug checks"
#endif
        ;
}
