/* frame_llhttp.c: how llhttp frames the requests of a connection. For tests/differential/run.py.
 *
 * Input: cases, each a length (4 bytes, this machine's order) and so many bytes. Output: a line a case, a letter a
 * message: M a whole one for /marker.txt, R another whole one, X an error, W not at its end. A message that closes its
 * connection is the last.
 */
#include <llhttp.h>

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum { CASE_MAX = 1 << 20 };

static char url[64];
static size_t url_len;
static bool begun, over;

static int on_begin(llhttp_t *parser)
{
    (void)parser;
    begun = true;
    url_len = 0;
    return 0;
}

static int on_url(llhttp_t *parser, const char *at, size_t len)
{
    (void)parser;
    for (size_t i = 0; i < len && url_len < sizeof url; i++) {
        url[url_len++] = at[i];
    }
    return 0;
}

static int on_complete(llhttp_t *parser)
{
    static const char marker[] = "/marker.txt";
    bool is_marker = url_len == sizeof marker - 1 && memcmp(url, marker, url_len) == 0;
    putchar(is_marker ? 'M' : 'R');
    begun = false;
    over = !llhttp_should_keep_alive(parser);
    return over ? HPE_PAUSED : 0;
}

int main(void)
{
    static char bytes[CASE_MAX];
    uint32_t len;
    while (fread(&len, sizeof len, 1, stdin) == 1) {
        if (len > CASE_MAX || fread(bytes, 1, len, stdin) != len) {
            fprintf(stderr, "frame_llhttp: a case is too long or cut off\n");
            return 1;
        }
        llhttp_t parser;
        llhttp_settings_t settings;
        llhttp_settings_init(&settings);
        settings.on_message_begin = on_begin;
        settings.on_url = on_url;
        settings.on_message_complete = on_complete;
        llhttp_init(&parser, HTTP_REQUEST, &settings);
        begun = over = false;
        llhttp_errno_t error = llhttp_execute(&parser, bytes, len);
        if (!over && error != HPE_OK && error != HPE_PAUSED_UPGRADE) {
            putchar('X');
        } else if (!over && begun) {
            putchar('W');
        }
        putchar('\n');
    }
    return 0;
}
