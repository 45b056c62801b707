/* test_request.c: looking up fields and query parameters. */
#include "core/http/request.h"
#include "tests/test.h"

static struct request with_fields(void)
{
    static const struct field fields[] = {
        {{"Host", 4}, {"a", 1}},
        {{"Accept-Encoding", 15}, {"gzip , deflate,", 15}},
        {{"accept-ENCODING", 15}, {"br", 2}},
        {{"X-Empty", 7}, {"", 0}},
    };
    struct request request = {.field_count = 4};
    memcpy(request.fields, fields, sizeof(fields));
    return request;
}

static struct request with_query(const char *query)
{
    return (struct request){.query = bytes_of(query)};
}

TEST(request, finds_a_field_whatever_its_case)
{
    struct request request = with_fields();
    expect_bytes(request_field(&request, BYTES("hOsT")), "a");
    expect_bytes(request_field(&request, BYTES("Accept-Encoding")), "gzip , deflate,");
    expect(request_field(&request, BYTES("X-Empty")).at != NULL);
    expect_int(request_field(&request, BYTES("X-Empty")).len, 0);
    expect(request_field(&request, BYTES("Hos")).at == NULL);
    expect(request_field(&request, BYTES("Hosts")).at == NULL);
}

TEST(request, finds_a_token_in_any_field_of_the_name)
{
    struct request request = with_fields();
    expect(request_field_has_token(&request, BYTES("Accept-Encoding"), BYTES("gzip")));
    expect(request_field_has_token(&request, BYTES("Accept-Encoding"), BYTES("DEFLATE")));
    expect(request_field_has_token(&request, BYTES("Accept-Encoding"), BYTES("br")));
    expect(!request_field_has_token(&request, BYTES("Accept-Encoding"), BYTES("zip")));
    expect(!request_field_has_token(&request, BYTES("Accept-Encoding"), BYTES("gzip ")));
    expect(!request_field_has_token(&request, BYTES("X-Empty"), BYTES("gzip")));
    expect(!request_field_has_token(&request, BYTES("X-Other"), BYTES("gzip")));
}

TEST(request, finds_a_parameter_by_its_exact_name)
{
    struct request request = with_query("ab=1&b=2&flag&empty=&b=3&c=x=y&&=z");
    expect_bytes(request_query_text(&request, BYTES("ab")), "1");
    expect_bytes(request_query_text(&request, BYTES("b")), "2");
    expect_bytes(request_query_text(&request, BYTES("c")), "x=y");
    expect(request_query_text(&request, BYTES("flag")).at != NULL);
    expect_int(request_query_text(&request, BYTES("flag")).len, 0);
    expect(request_query_text(&request, BYTES("empty")).at != NULL);
    expect_int(request_query_text(&request, BYTES("empty")).len, 0);
    expect(request_query_text(&request, BYTES("a")).at == NULL);
    expect(request_query_text(&request, BYTES("B")).at == NULL);
    expect(request_query_text(&request, BYTES("z")).at == NULL);
    expect(request_query_text(&request, BYTES("")).at == NULL);
}

TEST(request, finds_nothing_in_an_empty_query)
{
    struct request request = {.query = {NULL, 0}};
    uint64_t value = 7;
    bool bad = false;
    expect(request_query_text(&request, BYTES("a")).at == NULL);
    expect(!request_query_number(&request, BYTES("a"), &value, &bad));
    expect_int(value, 7);
    expect(!bad);
}

TEST(request, reads_numbers_of_a_query)
{
    struct request request = with_query("n=0042&big=999999999999999999");
    uint64_t value = 7;
    bool bad = false;
    expect(request_query_number(&request, BYTES("n"), &value, &bad));
    expect_int(value, 42);
    expect(request_query_number(&request, BYTES("big"), &value, &bad));
    expect_int(value, 999999999999999999);
    expect(!request_query_number(&request, BYTES("other"), &value, &bad));
    expect(!bad);
}

TEST(request, tells_a_bad_number_from_an_absent_one)
{
    static const char *const queries[] = {
        "n",     "n=",   "n=-1",  "n=+1", "n=1.5",
        "n=0x1", "n=1%", "n=1e3", "n= 1", "n=1000000000000000000"};
    for (size_t i = 0; i < sizeof(queries) / sizeof(queries[0]); i++) {
        struct request request = with_query(queries[i]);
        uint64_t value = 7;
        bool bad = false;
        expect_msg(request_query_number(&request, BYTES("n"), &value, &bad), "%s", queries[i]);
        expect_msg(bad, "%s", queries[i]);
        expect_int(value, 7);
    }
}

TEST(request, remembers_that_one_number_was_bad)
{
    struct request request = with_query("a=x&b=2");
    uint64_t value = 7;
    bool bad = false;
    (void)request_query_number(&request, BYTES("a"), &value, &bad);
    expect(request_query_number(&request, BYTES("b"), &value, &bad));
    expect_int(value, 2);
    expect(bad);
}
