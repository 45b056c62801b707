/* How much a client wants a type. */
#include "core/http/accept.h"

#include "tests/test.h"

static struct request request;

static struct accept_match match(const char *accept, const char *type, const char *version)
{
    request.field_count = 2;
    request.fields[0] = (struct field){BYTES("Accept-Encoding"), BYTES("text/plain")};
    request.fields[1] = (struct field){BYTES("accept"), bytes_of(accept)};
    return accept_type(&request, bytes_of(type), bytes_of(version));
}

TEST(accept, weighs_a_type_by_the_narrowest_range)
{
    static const struct {
        const char *accept;
        enum accept_width width;
        int weight;
    } cases[] = {
        {"text/plain", ACCEPT_TYPE, 1000},
        {"Text/PLAIN", ACCEPT_TYPE, 1000},
        {"text/*", ACCEPT_FAMILY, 1000},
        {"*/*", ACCEPT_ANY, 1000},
        {"text/plain;version=0.0.4", ACCEPT_VERSION, 1000},
        {"text/plain; version=\"0.0.4\"; charset=utf-8", ACCEPT_VERSION, 1000},
        {"text/plain;version=1.0.0", ACCEPT_UNSAID, 0},
        {"text/plain;q=0.5", ACCEPT_TYPE, 500},
        {"text/plain ; Q=0.25 , */*", ACCEPT_TYPE, 250},
        {"*/*;q=0.1, text/*;q=0.3", ACCEPT_FAMILY, 300},
        {"*/*, text/plain;q=0", ACCEPT_TYPE, 0},
        {"text/plain;version=0.0.4;q=0.2, text/plain", ACCEPT_VERSION, 200},
        {"text/plain;q=0.2, text/plain;q=0.7", ACCEPT_TYPE, 700},
        {"text/html, application/xml", ACCEPT_UNSAID, 0},
        {"application/*", ACCEPT_UNSAID, 0},
        {"", ACCEPT_ANY, 1000}, /* as no Accept: an empty list says nothing */
        {"text/plain;q=2", ACCEPT_UNSAID, 0},
        {"text/plain;q=0.1234", ACCEPT_UNSAID, 0},
        {"text/plain;q", ACCEPT_TYPE, 1000},
        {"text/plain;", ACCEPT_TYPE, 1000},
        {"text/plainer", ACCEPT_UNSAID, 0},
        {"text", ACCEPT_UNSAID, 0},
        {"*", ACCEPT_UNSAID, 0},
        {";q=1", ACCEPT_UNSAID, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct accept_match got = match(cases[i].accept, "text/plain", "0.0.4");
        expect_msg(got.width == cases[i].width && got.weight == cases[i].weight,
                   "%s: width %d, weight %d", cases[i].accept, (int)got.width, got.weight);
    }
}

TEST(accept, takes_anything_where_nothing_is_said)
{
    request.field_count = 0;
    struct accept_match got = accept_type(&request, BYTES("text/plain"), BYTES("0.0.4"));
    expect_int(got.width, ACCEPT_ANY);
    expect_int(got.weight, WEIGHT_FULL);
}

TEST(accept, reads_all_fields_of_the_name)
{
    request.field_count = 2;
    request.fields[0] = (struct field){BYTES("Accept"), BYTES("text/*;q=0.5")};
    request.fields[1] = (struct field){BYTES("Accept"), BYTES("text/plain;q=0.25")};
    struct accept_match got = accept_type(&request, BYTES("text/plain"), BYTES("0.0.4"));
    expect_int(got.width, ACCEPT_TYPE);
    expect_int(got.weight, 250);
}
