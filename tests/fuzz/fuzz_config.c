/* fuzz_config.c: any bytes as a configuration text. Whatever they are, the verdict is a good set of
 * values or one line of explanation, and nothing is read behind the end.
 */
#include "core/base/check.h"
#include "core/options/options.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

static void check_explanation(const char *error)
{
    CHECK(strncmp(error, "fuzz:", 5) == 0);
    CHECK(strlen(error) < OPTION_ERROR_MAX);
    for (const unsigned char *at = (const unsigned char *)error; *at != '\0'; at++) {
        CHECK(*at >= 0x20);
    }
}

/* Numbers are within their bounds, whatever was written. */
static void check_values(const struct settings *settings)
{
    CHECK(settings->listen.count >= 1 && settings->listen.count <= OPTION_TEXTS_MAX);
    CHECK(settings->batch >= 1 && settings->batch <= 4096);
    CHECK(settings->wakeup <= WAKEUP_SPIN);
    CHECK((settings->wakeup == WAKEUP_SPIN) == (settings->wakeup_spin_ns != 0));
    CHECK(settings->model == NULL || settings->wiring == NULL);
    FILE *nowhere = fopen("/dev/null", "w");
    CHECK(nowhere != NULL);
    options_print_json(nowhere, settings);
    fclose(nowhere);
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
    char *text = must_alloc(size + 1);
    if (size > 0) {
        memcpy(text, data, size);
    }
    char error[OPTION_ERROR_MAX] = "";
    struct settings settings;
    struct option_source source = {0};
    option_set_defaults(&settings);
    if (options_parse_text(&settings, &source, text, size, "fuzz", error)) {
        check_values(&settings);
    } else {
        check_explanation(error);
    }
    free(text);
    return 0;
}
