/* quartet-trace.c: reads the file that quartet --trace writes. What it can show is in tools/trace/.
 *
 * Exit status: 0; 1 when the file is cut, damaged or foreign, or a request's parts do not add up;
 * 2 for a wrong command line.
 */
#include "core/base/json_read.h"
#include "tools/trace/run.h"

#include "core/base/check.h"
#include "core/http/line.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

struct command {
    const struct trace_verb *verb; /* NULL until given */
    const char *argument;
    unsigned path_count;
    const char *paths[TRACE_SOURCES_MAX];
    bool salvage;
    const char *client_log; /* NULL: none */
    unsigned count;         /* of a verb that reads no files; 0: not given */
};

static void main_parse(struct command *command, int argc, char **argv);
static void add_path(struct command *command, const char *path);
static void check_files(const struct command *command);
static bool parse_word(struct command *command, const char *word);
static bool parse_count(struct command *command, const char *word, char ***next);
static bool parse_client_log(struct command *command, const char *word, char ***next);
static bool parse_verb(struct command *command, const char *word, char ***next);
static void print_help(void);
_Noreturn static void main_usage(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
static int main_show(const struct command *command);
static bool open_ledger(struct ledger *ledger, const char *path);
static FILE *open_file(const char *path);

int main(int argc, char **argv)
{
    /* `quartet-trace FILE | head` ends quietly, like any filter, even where the caller ignores
     * SIGPIPE. */
    (void)signal(SIGPIPE, SIG_DFL);
    struct command command = {0};
    main_parse(&command, argc, argv);
    if (command.verb == NULL) {
        command.verb = trace_verbs[0];
    }
    check_files(&command);
    const struct trace_verb *verb = command.verb;
    int status =
        verb->alone != NULL ? verb->alone(command.argument, command.count) : main_show(&command);
    if (fflush(stdout) != 0 || ferror(stdout)) {
        fprintf(stderr, "quartet-trace: cannot write: %s\n", strerror(errno));
        return EXIT_WORLD;
    }
    return status;
}

static void main_parse(struct command *command, int argc, char **argv)
{
    bool options = true;
    (void)argc; /* argv ends with NULL */
    for (char **next = argv + 1; *next != NULL; next++) {
        const char *word = *next;
        if (options && strcmp(word, "--") == 0) {
            options = false;
        } else if (options && word[0] == '-' && word[1] != '\0') {
            if (!parse_word(command, word) && !parse_count(command, word, &next) &&
                !parse_client_log(command, word, &next) && !parse_verb(command, word, &next)) {
                main_usage("unknown option %s", word);
            }
        } else {
            add_path(command, word);
        }
    }
}

static void add_path(struct command *command, const char *path)
{
    for (unsigned i = 0; i < command->path_count; i++) {
        if (strcmp(command->paths[i], path) == 0) {
            main_usage("%s is given twice", path);
        }
    }
    if (command->path_count == TRACE_SOURCES_MAX) {
        main_usage("at most %d trace files", TRACE_SOURCES_MAX);
    }
    command->paths[command->path_count++] = path;
}

static bool parse_word(struct command *command, const char *word)
{
    if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0) {
        print_help();
        exit(EXIT_SUCCESS);
    }
    if (strcmp(word, "--version") == 0 || strcmp(word, "-V") == 0) {
        printf("quartet-trace %s (libjansson %s)\n", QUARTET_VERSION, jansson_version_str());
        exit(EXIT_SUCCESS);
    }
    if (strcmp(word, "--salvage") == 0) {
        command->salvage = true;
        return true;
    }
    return false;
}

/* What is read is files, or something else. */
static void check_files(const struct command *command)
{
    const struct trace_verb *verb = command->verb;
    if (verb->alone == NULL && command->path_count == 0) {
        main_usage("no trace file given");
    }
    if (verb->alone != NULL && (command->path_count > 0 || command->salvage)) {
        main_usage("%s reads no file", verb->option);
    }
    if (command->client_log != NULL && !verb->ledger) {
        main_usage("--client-log goes with --table, --json and --csv");
    }
    if (verb->alone == NULL && command->count > 0) {
        main_usage("--count goes with --live");
    }
}

/* --count=N or --count N. */
static bool parse_count(struct command *command, const char *word, char ***next)
{
    const char *text = strncmp(word, "--count=", 8) == 0 ? word + 8 : NULL;
    unsigned long long count;
    if (text == NULL && strcmp(word, "--count") != 0) {
        return false;
    }
    if (text == NULL) {
        text = *++*next;
    }
    if (text == NULL || !http_decimal(bytes_of(text), &count) || count == 0 || count > UINT_MAX) {
        main_usage("--count needs a number from 1");
    }
    command->count = (unsigned)count;
    return true;
}

/* --client-log=FILE or --client-log FILE. */
static bool parse_client_log(struct command *command, const char *word, char ***next)
{
    const char *path = strncmp(word, "--client-log=", 13) == 0 ? word + 13 : NULL;
    if (path == NULL && strcmp(word, "--client-log") != 0) {
        return false;
    }
    if (path == NULL) {
        path = *++*next;
    }
    if (path == NULL || path[0] == '\0') {
        main_usage("--client-log needs the file that quartet-load --log wrote");
    }
    if (command->client_log != NULL) {
        main_usage("--client-log is given twice");
    }
    command->client_log = path;
    return true;
}

/* --option or --option=ARGUMENT or --option ARGUMENT. */
static bool parse_verb(struct command *command, const char *word, char ***next)
{
    size_t len = strcspn(word, "=");
    const char *argument = word[len] == '=' ? word + len + 1 : NULL;
    for (unsigned i = 0; trace_verbs[i] != NULL; i++) {
        const struct trace_verb *verb = trace_verbs[i];
        if (strlen(verb->option) != len || strncmp(verb->option, word, len) != 0) {
            continue;
        }
        if (command->verb != NULL && command->verb != verb) {
            main_usage("%s and %s cannot be had at once", command->verb->option, verb->option);
        }
        if (verb->argument == NULL && argument != NULL) {
            main_usage("%s takes no argument", verb->option);
        }
        if (verb->argument != NULL && argument == NULL) {
            argument = *++*next;
            if (argument == NULL) {
                main_usage("%s needs %s", verb->option, verb->argument);
            }
        }
        if (verb->wrong != NULL && verb->wrong(argument) != NULL) {
            main_usage("%s %s: %s", verb->option, argument, verb->wrong(argument));
        }
        command->verb = verb;
        command->argument = argument;
        return true;
    }
    return false;
}

static void print_help(void)
{
    printf("usage: quartet-trace [OPTION] FILE...\n"
           "       quartet-trace --live PID|URL\n"
           "Shows where the time of each request went, from files written by quartet --trace.\n"
           "Several files are processes that ran side by side. FILE - is stdin.\n\n");
    for (unsigned i = 0; trace_verbs[i] != NULL; i++) {
        const struct trace_verb *verb = trace_verbs[i];
        char option[64];
        (void)snprintf(option, sizeof option, "%s %s", verb->option,
                       verb->argument != NULL ? verb->argument : "");
        printf("  %-22s%s\n", option, verb->help);
    }
    printf("  %-22s%s\n", "--salvage", "read the whole blocks of a cut or damaged file");
    printf("  %-22s%s\n", "--client-log LOG",
           "join the log of quartet-load --log: every microsecond from client to client");
    printf("  %-22s%s\n", "--count N", "end --live after N tables");
    printf("  %-22s%s\n", "-h, --help", "print this help and exit");
    printf("  %-22s%s\n", "-V, --version", "print the version and exit");
    printf(
        "\nExit status: 0; 1 when the file is cut, damaged or foreign, or the parts of a request\n"
        "do not add up to its total; 2 for a wrong command line.\n");
}

_Noreturn static void main_usage(const char *fmt, ...)
{
    va_list args;
    fputs("quartet-trace: ", stderr);
    va_start(args, fmt);
    (void)vfprintf(stderr, fmt, args);
    fputs("; see quartet-trace --help\n", stderr);
    va_end(args);
    exit(EXIT_USAGE);
}

static int main_show(const struct command *command)
{
    struct trace_source sources[TRACE_SOURCES_MAX] = {0};
    struct trace_run run = {.salvage = command->salvage,
                            .join_window = JOIN_WINDOW,
                            .out = stdout,
                            .err = stderr,
                            .sources = sources};
    if (isatty(STDERR_FILENO) && !(command->verb->streams && isatty(STDOUT_FILENO))) {
        run.progress = stderr;
    }
    static struct ledger ledger;
    bool good = true;
    if (command->client_log != NULL) {
        good = open_ledger(&ledger, command->client_log);
        run.ledger = &ledger;
    }
    for (unsigned i = 0; i < command->path_count && good; i++) {
        sources[i] =
            (struct trace_source){.path = command->paths[i], .in = open_file(command->paths[i])};
        good = sources[i].in != NULL;
        run.source_count += good;
    }
    int status = good ? trace_run_show(&run, command->verb, command->argument) : EXIT_WORLD;
    for (unsigned i = 0; i < run.source_count; i++) {
        (void)fclose(sources[i].in); /* read only: nothing can be lost */
    }
    ledger_deinit(&ledger);
    return status;
}

/* False when it is no such log, and that was said. */
static bool open_ledger(struct ledger *ledger, const char *path)
{
    char error[CLIENT_LOG_ERROR];
    FILE *in = open_file(path);
    if (in == NULL) {
        return false;
    }
    bool good = ledger_init(ledger, in, error);
    if (!good) {
        fprintf(stderr, "quartet-trace: %s: %s\n", path, error);
    }
    (void)fclose(in); /* read only: nothing can be lost */
    return good;
}

/* NULL when it cannot be opened, and that was said. */
static FILE *open_file(const char *path)
{
    FILE *in = strcmp(path, "-") == 0 ? stdin : fopen(path, "re");
    if (in == NULL) {
        fprintf(stderr, "quartet-trace: %s: %s\n", path, strerror(errno));
    }
    return in;
}
