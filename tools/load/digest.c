/* digest.c: SHA-256 by libcrypto. See digest.h. */
#include "tools/load/digest.h"

#include "core/base/check.h"

#include <openssl/evp.h>
#include <string.h>

/* Never more than a pointer to libcrypto's own. */
static EVP_MD_CTX *context_of(struct digest *digest)
{
    return (EVP_MD_CTX *)digest;
}

struct digest *digest_new(void)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    CHECK(context != NULL);
    return (struct digest *)context;
}

void digest_free(struct digest *digest)
{
    EVP_MD_CTX_free(context_of(digest));
}

void digest_begin(struct digest *digest)
{
    CHECK(EVP_DigestInit_ex(context_of(digest), EVP_sha256(), NULL) == 1);
}

void digest_add(struct digest *digest, const char *at, size_t len)
{
    CHECK(EVP_DigestUpdate(context_of(digest), at, len) == 1);
}

void digest_end(struct digest *digest, unsigned char out[DIGEST_SIZE])
{
    CHECK(EVP_DigestFinal_ex(context_of(digest), out, NULL) == 1);
}

bool digest_parse(const char *text, unsigned char out[DIGEST_SIZE])
{
    static const char digits[] = "0123456789abcdef";
    if (strlen(text) != (size_t)2 * DIGEST_SIZE ||
        strspn(text, "0123456789abcdefABCDEF") != strlen(text)) {
        return false;
    }
    memset(out, 0, DIGEST_SIZE);
    for (unsigned i = 0; i < 2 * DIGEST_SIZE; i++) {
        unsigned value = (unsigned)(strchr(digits, text[i] | 0x20) - digits);
        out[i / 2] = (unsigned char)(out[i / 2] << 4 | value);
    }
    return true;
}
