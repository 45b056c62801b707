/* test_digest.c: SHA-256 against published values. */
#include "tools/load/digest.h"

#include "tests/test.h"

/* FIPS 180-2, appendix B.1 and B.2. */
static const char abc[] = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
static const char empty[] = "E3B0C44298FC1C149AFBF4C8996FB92427AE41E4649B934CA495991B7852B855";

TEST(digest, is_the_published_one_in_any_pieces)
{
    unsigned char want[DIGEST_SIZE], got[DIGEST_SIZE];
    struct digest *digest = digest_new();
    expect(digest_parse(abc, want));
    digest_begin(digest);
    digest_add(digest, "abc", 3);
    digest_end(digest, got);
    expect(memcmp(got, want, DIGEST_SIZE) == 0);
    digest_begin(digest);
    digest_add(digest, "a", 1);
    digest_add(digest, "bc", 2);
    digest_end(digest, got);
    expect(memcmp(got, want, DIGEST_SIZE) == 0);
    expect(digest_parse(empty, want));
    digest_begin(digest);
    digest_end(digest, got);
    expect(memcmp(got, want, DIGEST_SIZE) == 0);
    digest_free(digest);
}

TEST(digest, is_64_hexadecimal_digits)
{
    unsigned char out[DIGEST_SIZE];
    expect(!digest_parse("", out) && !digest_parse("200", out) && !digest_parse(abc + 1, out));
    char wrong[] = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015aX";
    expect(!digest_parse(wrong, out));
}
