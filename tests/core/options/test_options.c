/* test_options.c: the command line, the configuration file, and what is printed from the table. */
#include "core/options/options.h"

#include "core/base/clock.h"
#include "core/options/option_text.h"
#include "tests/test.h"

#include <unistd.h>

static struct settings settings;
static struct option_source source;
static char error[OPTION_ERROR_MAX];

static bool parse(char **argv)
{
    int argc = 0;
    while (argv[argc] != NULL) {
        argc++;
    }
    error[0] = '\0';
    return options_parse(&settings, &source, argc, argv, error);
}
#define ARGS(...)             ((char *[]){"quartet", __VA_ARGS__, NULL})
#define expect_good(...)      expect_msg(parse(ARGS(__VA_ARGS__)), "%s", error)
#define expect_bad(text, ...) expect_text((parse(ARGS(__VA_ARGS__)) ? "accepted" : error), text)

static bool parse_text(const char *text)
{
    static char copy[4096];
    snprintf(copy, sizeof(copy), "%s", text);
    error[0] = '\0';
    source = (struct option_source){0};
    option_set_defaults(&settings);
    return options_parse_text(&settings, &source, copy, strlen(copy), "f", error);
}
#define expect_good_text(text)      expect_msg(parse_text(text), "%s", error)
#define expect_bad_text(text, what) expect_text((parse_text(text) ? "accepted" : error), what)

/* A file with this content, until the next call. */
static char *config_file(const void *content, size_t len)
{
    static char path[64];
    snprintf(path, sizeof(path), "/tmp/quartet-options-%d", getpid());
    FILE *file = fopen(path, "w");
    expect(file != NULL);
    fwrite(content, 1, len, file);
    fclose(file);
    return path;
}
#define CONFIG(text) config_file(text, strlen(text))

/* Runs a printer into memory; the caller frees. */
static char *printed(void (*print)(FILE *, const struct option_table *))
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    print(out, &server_options);
    fclose(out);
    return text;
}

static void print_settings(FILE *out, const struct option_table *table)
{
    option_text_json(out, table, &settings);
}

TEST(options, have_the_defaults_of_the_table)
{
    expect(parse((char *[]){"quartet", NULL}));
    expect_int(settings.listen.count, 1);
    expect_text(settings.listen.at[0], "127.0.0.1:8080");
    expect_text(settings.root, ".");
    expect_text(settings.model, "staged");
    expect(settings.wiring == NULL && settings.access_log == NULL && !settings.help);
    expect_int(settings.readers, 0);
    expect_int(settings.keepalive_timeout_ns, 5 * NS_PER_S);
    expect_int(settings.max_header_size, 16384);
    expect_int(settings.synthetic, WHO_LOOPBACK);
    expect_int(settings.trace_level, TRACE_HISTOGRAM);
    for (size_t i = 0; i < server_options.count; i++) {
        expect(!source.given[i]);
    }
}

TEST(options, take_values_in_every_form)
{
    expect_good("--root", "a", "--batch=7", "-l", "*:1", "-l[::1]:2", "-V", "--file-cache", "0",
                "--keepalive-timeout", "1s", "--keepalive-timeout=250ms");
    expect_text(settings.root, "a");
    expect_int(settings.batch, 7);
    expect_int(settings.listen.count, 2);
    expect_text(settings.listen.at[1], "[::1]:2");
    expect(settings.version);
    expect_int(settings.keepalive_timeout_ns, 250 * NS_PER_MS);
    expect(source.given[option_index("root")] && !source.given[option_index("backlog")]);
}

TEST(options, take_an_option_like_text_as_a_value)
{
    expect_good("--root", "--batch", "--");
    expect_text(settings.root, "--batch");
}

TEST(options, refuse_arguments)
{
    expect_bad("'www' is no option, and nothing but options is accepted (see --help)", "www");
    expect_bad("'-' is no option, and nothing but options is accepted (see --help)", "-");
    expect_bad("'-r' is no option, and nothing but options is accepted (see --help)", "--", "-r");
    expect_bad("'' is no option, and nothing but options is accepted (see --help)", "");
}

TEST(options, refuse_unknown_names_and_suggest_near_ones)
{
    expect_bad("--rooot: no such option (see --help), did you mean --root?", "--rooot=1");
    expect_bad("--batc: no such option (see --help), did you mean --batch?", "--batc", "3");
    expect_bad("--frobnicate: no such option (see --help)", "--frobnicate");
    expect_bad("-q: no such option (see --help)", "-q");
    expect_bad("--: no such option (see --help)", "--=x");
    char longer[300] = "--";
    memset(longer + 2, 'x', 200);
    expect(!parse(ARGS(longer)) && strlen(error) < 120);
}

TEST(options, want_a_value_where_there_is_none)
{
    expect_bad("--batch: a value is missing: --batch N", "--batch");
    expect_bad("--listen: a value is missing: --listen ADDR:PORT", "-l");
    expect_bad("--root: '' is not accepted: a DIR that is not empty", "--root=");
}

TEST(options, refuse_a_value_for_a_flag)
{
    expect_bad("--check: '1' is not accepted: this option takes no value", "--check=1");
    expect_bad("--help: 'V' is not accepted: this option takes no value", "-hV");
}

TEST(options, name_flag_value_and_what_is_accepted)
{
    expect_bad("--batch: '0' is not accepted: a number from 1 to 4096", "--batch", "0");
    expect_bad("--keepalive-timeout: '5' is not accepted: a time such as 10s, 250ms or 100us, "
               "from 1ms to 24h",
               "--keepalive-timeout", "5");
    expect_bad(
        "--max-body-size: '2G' is not accepted: a size such as 64K, 1M or 4096, from 0 to 1G",
        "--max-body-size", "2G");
    expect_bad("--synthetic: 'maybe' is not accepted: on, off or loopback", "--synthetic", "maybe");
    expect_bad(
        "--listen: 'x' is not accepted: 127.0.0.1:8080, [::1]:8080, *:8080, localhost:8080 or "
        "unix:/path (no names)",
        "--listen", "x");
    expect_bad("--batch: '1?2' is not accepted: a number from 1 to 4096", "--batch", "1\n2");
}

TEST(options, read_numbers_strictly)
{
    static char *const bad[] = {"",
                                "+1",
                                "-1",
                                " 1",
                                "1 ",
                                "0x1",
                                "1e2",
                                "1.5",
                                "4097",
                                "18446744073709551616",
                                "18446744073709551617",
                                "64K",
                                "１"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        expect_msg(!parse(ARGS("--batch", bad[i])), "'%s' was accepted", bad[i]);
    }
    expect_good("--batch", "4096");
    expect_good("--batch", "0001");
}

TEST(options, read_times_with_a_unit)
{
    uint64_t ns = 7;
    expect(option_parse_time("0", &ns) && ns == 0);
    expect(option_parse_time("10s", &ns) && ns == 10 * NS_PER_S);
    expect(option_parse_time("250ms", &ns) && ns == 250 * NS_PER_MS);
    expect(option_parse_time("100us", &ns) && ns == 100 * NS_PER_US);
    expect(option_parse_time("2m", &ns) && ns == 120 * NS_PER_S);
    expect(option_parse_time("24h", &ns) && ns == 86400 * NS_PER_S);
    static const char *const bad[] = {
        "",    "s",    "5",   "5 s",           "5sec",         "5S",
        "-5s", "5.5s", "5s ", "18446744073s1", "18446744074s", "99999999999999999999s"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        expect_msg(!option_parse_time(bad[i], &ns), "'%s' was accepted", bad[i]);
    }
}

TEST(options, read_sizes_with_or_without_a_unit)
{
    uint64_t bytes;
    expect(option_parse_size("0", &bytes) && bytes == 0);
    expect(option_parse_size("4096", &bytes) && bytes == 4096);
    expect(option_parse_size("64K", &bytes) && bytes == 65536);
    expect(option_parse_size("1M", &bytes) && bytes == 1048576);
    expect(option_parse_size("3G", &bytes) && bytes == 3221225472u);
    expect(!option_parse_size("1KB", &bytes) && !option_parse_size("K", &bytes));
    expect(!option_parse_size("17179869184G", &bytes) && !option_parse_size("1 K", &bytes));
}

TEST(options, print_times_that_read_back)
{
    static const struct {
        uint64_t ns;
        const char *text;
    } times[] = {{0, "0s"},
                 {1, "1ns"},
                 {100 * NS_PER_US, "100us"},
                 {1500 * NS_PER_US, "1500us"},
                 {250 * NS_PER_MS, "250ms"},
                 {60 * NS_PER_S, "60s"},
                 {7200 * NS_PER_S, "2h"},
                 {UINT64_MAX, "18446744073709551615ns"}};
    for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
        char text[OPTION_TIME_TEXT];
        uint64_t again;
        option_format_time(times[i].ns, text);
        expect_text(text, times[i].text);
        expect(option_parse_time(text, &again) && again == times[i].ns);
    }
}

TEST(options, take_a_number_behind_spin)
{
    expect_good("--wakeup", "spin:50");
    expect_int(settings.wakeup, WAKEUP_SPIN);
    expect_int(settings.wakeup_spin_ns, 50 * NS_PER_US);
    expect_good("--wakeup", "spin:50", "--wakeup", "always");
    expect_int(settings.wakeup, WAKEUP_ALWAYS);
    expect_int(settings.wakeup_spin_ns, 0);
    static char *const bad[] = {"spin",      "spin:", "spin:0",  "spin:1000001",  "spin:x",
                                "spin:USEC", "elide", "elidedx", "elided|always", "USEC"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        expect(!parse(ARGS("--wakeup", bad[i])));
        expect(strstr(error, "elided, always or spin:USEC with USEC from 1 to 1000000") != NULL);
    }
}

TEST(options, bound_the_number_of_addresses)
{
    char *argv[2 + OPTION_TEXTS_MAX + 1] = {"quartet"};
    for (int i = 1; i <= OPTION_TEXTS_MAX; i++) {
        argv[i] = "--listen=*:0";
    }
    expect(parse(argv));
    expect_int(settings.listen.count, OPTION_TEXTS_MAX);
    argv[OPTION_TEXTS_MAX + 1] = "--listen=*:0";
    expect(!parse(argv));
    expect_text(error, "--listen: '*:0' is not accepted: at most 16 addresses");
}

TEST(options, want_one_of_model_and_wiring)
{
    expect_bad("--model and --wiring are both given: choose one", "-m", "loops", "-w", "LRPW");
    expect_good("-w", "L | RP*2 | W");
    expect(settings.model == NULL);
    expect_text(settings.wiring, "L | RP*2 | W");
}

TEST(options, settle_the_trace_level)
{
    expect_good("--trace", "f");
    expect_int(settings.trace_level, TRACE_FULL);
    expect_good("--trace-level", "off");
    expect_int(settings.trace_level, TRACE_OFF);
    expect_bad("--trace: 'f' is not accepted: only with --trace-level full", "--trace", "f",
               "--trace-level", "histogram");
}

TEST(options, settle_the_times_in_sockets)
{
    expect_good("--batch", "1");
    expect_int(settings.socket_times, SOCKET_TIMES_SAMPLED);
    expect_good("--trace", "f");
    expect_int(settings.socket_times, SOCKET_TIMES_ON);
    expect_good("--trace", "f", "--socket-times", "off");
    expect_int(settings.socket_times, SOCKET_TIMES_OFF);
    expect_good("--socket-times", "on");
    expect_int(settings.socket_times, SOCKET_TIMES_ON);
}

TEST(config, reads_every_form_of_line)
{
    expect_good_text(
        "# comment\n\n  batch 3\r\nroot=a b\nwiring = L | RP*2 | W\t# three groups\n"
        "access-log=\" x # y \"  # quoted\r\npin\tL=0\ntrace a#b\nlisten *:1\nlisten *:2");
    expect_int(settings.batch, 3);
    expect_text(settings.root, "a b");
    expect_text(settings.wiring, "L | RP*2 | W");
    expect_text(settings.access_log, " x # y ");
    expect_text(settings.pin, "L=0");
    expect_text(settings.trace, "a#b");
    expect_int(settings.listen.count, 2);
    expect_text(settings.listen.at[1], "*:2");
    expect(source.given[option_index("pin")]);
}

TEST(config, says_file_and_line)
{
    expect_bad_text("root x\n\nbatch 0\n",
                    "f:3: batch: '0' is not accepted: a number from 1 to 4096");
    expect_bad_text("bach 3", "f:1: bach: no such option (see --help), did you mean batch?");
    expect_bad_text("--batch 3", "f:1: --batch: no such option (see --help), did you mean batch?");
    expect_bad_text("\nbatch", "f:2: batch: a value is missing: batch N");
    expect_bad_text("batch = # 3", "f:1: batch: a value is missing: batch N");
    expect_bad_text("root \"\"", "f:1: root: '' is not accepted: a DIR that is not empty");
    expect_bad_text("root \"a", "f:1: a closing quote is missing");
    expect_bad_text("root \"a\"b", "f:1: only a comment is accepted behind the closing quote");
    expect_bad_text("= 3", "f:1: : no such option (see --help)");
    expect_bad_text("model a\nwiring b\n", "f:2: model and wiring are both given: choose one");
}

TEST(config, refuses_the_options_about_this_run)
{
    expect_bad_text("config x", "f:1: config: accepted on the command line only");
    expect_bad_text("help", "f:1: help: accepted on the command line only");
    expect_bad_text("version", "f:1: version: accepted on the command line only");
    expect_bad_text("check", "f:1: check: accepted on the command line only");
}

TEST(config, refuses_nul_bytes)
{
    char *path = config_file("batch 3\nroot a\0b\n", 17);
    expect(!parse(ARGS("--config", path)));
    expect(strstr(error, ":2: a NUL byte, where only text is accepted") != NULL);
    unlink(path);
}

TEST(config, gives_way_to_the_command_line)
{
    char *path = CONFIG("listen *:1\nlisten *:2\nbatch 3\nbacklog 5\nmodel loops\n");
    expect_good("--batch", "4", "--config", path, "-w", "LRPW", "-l", "*:3");
    expect_int(settings.batch, 4);
    expect_int(settings.backlog, 5);
    expect_int(settings.listen.count, 1);
    expect_text(settings.listen.at[0], "*:3");
    expect(settings.model == NULL && !source.given[option_index("model")]);
    expect_text(settings.wiring, "LRPW");
    expect_good("-c", path);
    expect_int(settings.listen.count, 2);
    expect_text(settings.model, "loops");
    unlink(path);
}

TEST(config, lets_a_model_displace_the_files_wiring)
{
    char *path = CONFIG("wiring LRPW\n");
    expect_good("-c", path, "-m", "loops");
    expect(settings.wiring == NULL && !source.given[option_index("wiring")]);
    expect_text(settings.model, "loops");
    unlink(path);
}

TEST(config, refuses_files_it_cannot_read_or_hold)
{
    expect_bad("--config: '/nonexistent/q' cannot be opened: No such file or directory",
               "--config=/nonexistent/q");
    expect_bad("--config: '/' cannot be read: Is a directory", "--config=/");
    size_t size = OPTION_FILE_MAX + 1;
    char *big = malloc(size);
    memset(big, '\n', size);
    char *path = config_file(big, size - 1);
    expect_good("-c", path);
    path = config_file(big, size);
    expect(!parse(ARGS("-c", path)));
    expect(strstr(error, "a file of at most 1048576 bytes") != NULL);
    unlink(path);
    free(big);
}

TEST(options_text, prints_help_no_wider_than_100_columns)
{
    char *help = printed(option_text_help);
    for (char *line = strtok(help, "\n"); line != NULL; line = strtok(NULL, "\n")) {
        expect_msg(strlen(line) <= 100, "too long: %s", line);
    }
    free(help);
}

TEST(options_text, names_every_option_everywhere)
{
    char *help = printed(option_text_help);
    char *man = printed(option_text_man);
    char *completion = printed(option_text_completion);
    for (size_t i = 0; i < server_options.count; i++) {
        char name[64];
        snprintf(name, sizeof(name), "--%s", server_options.rows[i].name);
        expect_msg(strstr(help, name) != NULL, "%s is not in --help", name);
        expect_msg(strstr(completion, name) != NULL, "%s is not in the completion", name);
    }
    expect(strstr(man, "\\-\\-keepalive\\-timeout") != NULL);
    expect(strstr(help, "(1 to 4096; default 64)") != NULL);
    free(help);
    free(man);
    free(completion);
}

TEST(options_text, prints_the_effective_values_as_json)
{
    expect_good("--listen", "unix:/a\"b", "--wakeup", "spin:50", "--io-timeout", "90s", "-w",
                "LRPW", "--max-body-size", "2M");
    char *text = printed(print_settings);
    static const char *const members[] = {"\"listen\": [\n    \"unix:/a\\\"b\"\n  ]",
                                          "\"model\": null",
                                          "\"wiring\": \"LRPW\"",
                                          "\"wakeup\": \"spin:50\"",
                                          "\"io-timeout\": \"90s\"",
                                          "\"readers\": null",
                                          "\"max-body-size\": 2097152",
                                          "\"synthetic\": \"loopback\"",
                                          "\"keepalive-requests\": 0",
                                          "\"trace-level\": \"histogram\""};
    for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
        expect_msg(strstr(text, members[i]) != NULL, "no %s in %s", members[i], text);
    }
    expect(strstr(text, "print-config") == NULL);
    free(text);
}
