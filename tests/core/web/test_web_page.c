/* The pages that are built in, and the marks filled in when one is sent. */
#include "core/web/web_page.h"
#include "tests/test.h"

#include <stdlib.h>

static void put_data(void *arg, FILE *out)
{
    fputs(arg, out);
}

/* The page as it is sent; the caller frees it. */
static char *printed(struct bytes page, const char *nonce, const char *data)
{
    char *at = NULL;
    size_t len;
    FILE *out = open_memstream(&at, &len);
    web_page_print(out, page, nonce, put_data, (void *)data);
    fclose(out);
    return at;
}

TEST(web_page, fills_in_every_nonce_and_the_data)
{
    char *text = printed(BYTES("<a @NONCE@>@b@DATA@@NONCE@"), "n0", "[1]");
    expect_text(text, "<a n0>@b[1]n0");
    free(text);
}

TEST(web_page, leaves_other_signs_alone)
{
    char *text = printed(BYTES("@ @NONCE a@DAT @"), "n0", "[1]");
    expect_text(text, "@ @NONCE a@DAT @");
    free(text);
}

TEST(web_page, has_a_new_nonce_each_time)
{
    char a[WEB_NONCE], b[WEB_NONCE];
    web_nonce(a);
    web_nonce(b);
    expect(strlen(a) == 32 && strspn(a, "0123456789abcdef") == 32);
    expect(strcmp(a, b) != 0);
}

TEST(web_page, is_built_of_all_its_parts)
{
    char *text = printed(web_status_page, "n0", "");
    expect(strncmp(text, "<!doctype html>", 15) == 0);
    expect(strstr(text, "@INCLUDE") == NULL && strstr(text, "@NONCE@") == NULL);
    expect(strstr(text, "var uPlot=function") != NULL);
    expect(strstr(text, "const wiring_drawing") != NULL);
    free(text);
}

/* Whatever a page needs from the network would fail for those who read it elsewhere. */
TEST(web_page, names_no_address_but_its_own)
{
    char *text = printed(web_status_page, "n0", "");
    expect(strstr(text, "src=") == NULL && strstr(text, "@import") == NULL);
    expect(strstr(text, " style=\"") == NULL); /* the policy forbids it */
    free(text);
}
