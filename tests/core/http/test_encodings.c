/* Which coding a client wants. */
#include "core/http/encodings.h"

#include "tests/test.h"

enum { BR = 1 << ENCODING_BR, GZ = 1 << ENCODING_GZIP };

static const char *choose(unsigned available, const char *accept)
{
    static struct request request;
    request.field_count = 1;
    request.fields[0] = (struct field){BYTES("accept-encoding"), bytes_of(accept)};
    return encoding_name(encodings_choose(&request, available));
}

TEST(encodings, follows_the_client)
{
    static const struct {
        const char *accept;
        unsigned available;
        const char *chosen;
    } cases[] = {
        {"gzip", BR | GZ, "gzip"},
        {"GZip", BR | GZ, "gzip"},
        {"x-gzip", GZ, "gzip"},
        {"br", BR | GZ, "br"},
        {"br", GZ, "identity"},
        {"gzip, br", BR | GZ, "br"},
        {"gzip;q=1, br;q=1.000", BR | GZ, "br"},
        {"gzip;q=1, br;q=0.999", BR | GZ, "gzip"},
        {"gzip ; q=0.5 ,br;Q=0.4", BR | GZ, "gzip"},
        {"gzip, br", GZ, "gzip"},
        {"gzip;q=0", GZ, "identity"},
        {"gzip;q=0.000, br;q=0", BR | GZ, "identity"},
        {"gzip;q=0.001", GZ, "gzip"},
        {"*", BR | GZ, "br"},
        {"*;q=0", BR | GZ, "identity"},
        {"*, br;q=0", BR | GZ, "gzip"},
        {"*;q=0.5, gzip;q=0.3", GZ, "identity"},
        {"identity", BR | GZ, "identity"},
        {"gzip, identity", GZ, "gzip"},
        {"gzip;q=0.5, identity", GZ, "identity"},
        {"identity;q=0, gzip;q=0.1", GZ, "gzip"},
        {"identity;q=0", 0, "identity"},
        {"", BR | GZ, "identity"},
        {", ,", BR | GZ, "identity"},
        {"deflate, compress", BR | GZ, "identity"},
        {"gzip;q=2", GZ, "identity"},
        {"gzip;q=1.001", GZ, "identity"},
        {"gzip;q=0.5000", GZ, "identity"},
        {"gzip;q=.5", GZ, "identity"},
        {"gzip;q=", GZ, "identity"},
        {"gzip;level=9", GZ, "identity"},
        {"gzip;q=1.", GZ, "gzip"},
        {"gzipx", GZ, "identity"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *chosen = choose(cases[i].available, cases[i].accept);
        expect_msg(strcmp(chosen, cases[i].chosen) == 0, "\"%s\" of %u: %s, expected %s",
                   cases[i].accept, cases[i].available, chosen, cases[i].chosen);
    }
}

TEST(encodings, reads_a_list_over_several_fields)
{
    static struct request request = {.field_count = 3,
                                     .fields = {{{"Accept-Encoding", 15}, {"gzip", 4}},
                                                {{"Accept", 6}, {"br", 2}},
                                                {{"ACCEPT-ENCODING", 15}, {"br", 2}}}};
    expect_int(encodings_choose(&request, BR | GZ), ENCODING_BR);
}

TEST(encodings, sends_identity_when_nothing_is_asked)
{
    static struct request request;
    expect_int(encodings_choose(&request, BR | GZ), ENCODING_IDENTITY);
}

TEST(encodings, names_the_files)
{
    expect_text(encoding_suffix(ENCODING_BR), ".br");
    expect_text(encoding_suffix(ENCODING_GZIP), ".gz");
    expect_text(encoding_suffix(ENCODING_IDENTITY), "");
}
