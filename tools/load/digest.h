/* digest.h: SHA-256 of a body that comes in pieces; the only source that knows the library
 * (libcrypto) is this one's. One thread each. */
#ifndef TOOLS_LOAD_DIGEST_H
#define TOOLS_LOAD_DIGEST_H

#include <stdbool.h>
#include <stddef.h>

enum { DIGEST_SIZE = 32 };

struct digest;

struct digest *digest_new(void);
void digest_free(struct digest *digest); /* NULL is fine */
void digest_begin(struct digest *digest);
void digest_add(struct digest *digest, const char *at, size_t len);
void digest_end(struct digest *digest, unsigned char out[DIGEST_SIZE]);

/* 64 hexadecimal digits; false for anything else. */
bool digest_parse(const char *text, unsigned char out[DIGEST_SIZE]);

#endif
