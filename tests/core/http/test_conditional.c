/* Preconditions: each header alone, their order, and If-Range. */
#include "core/http/conditional.h"

#include "tests/test.h"

#define BEFORE "Sun, 06 Nov 1994 08:49:36 GMT"
#define NOW    "Sun, 06 Nov 1994 08:49:37 GMT"
#define AFTER  "Sun, 06 Nov 1994 08:49:38 GMT"

static const struct validators file = {{"\"abc\"", 5}, 784111777};

enum { FIELDS = 3 };
struct given {
    const char *name, *value;
};

static const struct request *request_with(const struct given given[FIELDS])
{
    static struct request request;
    request.method = METHOD_GET;
    request.field_count = 0;
    for (unsigned i = 0; i < FIELDS && given[i].name != NULL; i++) {
        request.fields[request.field_count++] =
            (struct field){bytes_of(given[i].name), bytes_of(given[i].value)};
    }
    return &request;
}

TEST(conditional, follows_the_table)
{
    static const struct {
        struct given given[FIELDS];
        enum precondition expected;
    } cases[] = {
        {{{0}}, PRECONDITION_HOLDS},
        /* If-Match: strong comparison */
        {{{"If-Match", "\"abc\""}}, PRECONDITION_HOLDS},
        {{{"if-match", "*"}}, PRECONDITION_HOLDS},
        {{{"If-Match", "\"x\", \"abc\""}}, PRECONDITION_HOLDS},
        {{{"If-Match", "\"x\""}, {"If-Match", "\"abc\""}}, PRECONDITION_HOLDS},
        {{{"If-Match", "W/\"abc\""}}, PRECONDITION_FAILED},
        {{{"If-Match", "\"ab\""}}, PRECONDITION_FAILED},
        {{{"If-Match", "abc"}}, PRECONDITION_FAILED},
        {{{"If-Match", ""}}, PRECONDITION_FAILED},
        {{{"If-Match", "\"abc"}}, PRECONDITION_FAILED},
        /* If-None-Match: weak comparison */
        {{{"If-None-Match", "\"abc\""}}, PRECONDITION_NOT_MODIFIED},
        {{{"If-None-Match", "W/\"abc\""}}, PRECONDITION_NOT_MODIFIED},
        {{{"If-None-Match", "*"}}, PRECONDITION_NOT_MODIFIED},
        {{{"If-None-Match", "\"a,b\" , W/\"x\",, \"abc\""}}, PRECONDITION_NOT_MODIFIED},
        {{{"If-None-Match", "\"x\""}}, PRECONDITION_HOLDS},
        {{{"If-None-Match", "\"x,\"abc\""}}, PRECONDITION_HOLDS},
        {{{"If-None-Match", "\"x\" \"abc\""}}, PRECONDITION_HOLDS},
        {{{"If-None-Match", "w/\"abc\""}}, PRECONDITION_HOLDS},
        {{{"If-None-Match", "\"ABC\""}}, PRECONDITION_HOLDS},
        /* dates */
        {{{"If-Modified-Since", NOW}}, PRECONDITION_NOT_MODIFIED},
        {{{"If-Modified-Since", AFTER}}, PRECONDITION_NOT_MODIFIED},
        {{{"If-Modified-Since", BEFORE}}, PRECONDITION_HOLDS},
        {{{"If-Modified-Since", "yesterday"}}, PRECONDITION_HOLDS},
        {{{"If-Modified-Since", NOW}, {"If-Modified-Since", NOW}}, PRECONDITION_HOLDS},
        {{{"If-Unmodified-Since", NOW}}, PRECONDITION_HOLDS},
        {{{"If-Unmodified-Since", AFTER}}, PRECONDITION_HOLDS},
        {{{"If-Unmodified-Since", BEFORE}}, PRECONDITION_FAILED},
        {{{"If-Unmodified-Since", "yesterday"}}, PRECONDITION_HOLDS},
        /* the order of RFC 9110 13.2.2 */
        {{{"If-Match", "\"abc\""}, {"If-Unmodified-Since", BEFORE}}, PRECONDITION_HOLDS},
        {{{"If-Match", "\"x\""}, {"If-Unmodified-Since", AFTER}}, PRECONDITION_FAILED},
        {{{"If-Match", "\"x\""}, {"If-None-Match", "\"abc\""}}, PRECONDITION_FAILED},
        {{{"If-Match", "\"abc\""}, {"If-None-Match", "\"abc\""}}, PRECONDITION_NOT_MODIFIED},
        {{{"If-None-Match", "\"x\""}, {"If-Modified-Since", AFTER}}, PRECONDITION_HOLDS},
        {{{"If-None-Match", "\"abc\""}, {"If-Modified-Since", BEFORE}}, PRECONDITION_NOT_MODIFIED},
        {{{"If-Unmodified-Since", BEFORE}, {"If-Modified-Since", AFTER}}, PRECONDITION_FAILED},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        expect_msg(conditional_check(request_with(cases[i].given), &file) == cases[i].expected,
                   "case %zu: %s: %s", i, cases[i].given[0].name, cases[i].given[0].value);
    }
}

TEST(conditional, looks_at_a_range_only_when_if_range_matches)
{
    static const struct {
        struct given given[FIELDS];
        bool expected;
    } cases[] = {
        {{{0}}, true},
        {{{"If-Range", "\"abc\""}}, true},
        {{{"If-Range", "\"x\""}}, false},
        {{{"If-Range", "W/\"abc\""}}, false},
        {{{"If-Range", "\"abc\", \"x\""}}, false},
        {{{"If-Range", "*"}}, false},
        {{{"If-Range", NOW}}, true},
        {{{"If-Range", BEFORE}}, false},
        {{{"If-Range", AFTER}}, false},
        {{{"If-Range", "yesterday"}}, false},
        {{{"If-Range", ""}}, false},
        {{{"If-Range", "\"abc\""}, {"If-Range", "\"abc\""}}, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        expect_msg(conditional_range_holds(request_with(cases[i].given), &file) ==
                       cases[i].expected,
                   "case %zu: %s", i, cases[i].given[0].value);
    }
}
