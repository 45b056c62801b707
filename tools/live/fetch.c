/* fetch.c: libcurl, as far as it is needed. See fetch.h. */
#include "tools/live/fetch.h"

#include "core/base/check.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>

struct fetch {
    CURL *curl;
    char *url, *socket; /* socket: path of a unix socket, or NULL */
    char *at;           /* the answer's body */
    size_t len, capacity;
};

static bool set_place(struct fetch *fetch, const char *where, const char *target);
static void set_options(struct fetch *fetch);
static size_t on_data(char *at, size_t size, size_t count, void *arg);

struct fetch *fetch_new(const char *where, const char *target)
{
    struct fetch *fetch = must_calloc(1, sizeof *fetch);
    CHECK(curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK);
    fetch->curl = curl_easy_init();
    CHECK(fetch->curl != NULL);
    if (!set_place(fetch, where, target)) {
        fetch_free(fetch);
        return NULL;
    }
    set_options(fetch);
    return fetch;
}

void fetch_free(struct fetch *fetch)
{
    if (fetch == NULL) {
        return;
    }
    curl_easy_cleanup(fetch->curl);
    curl_global_cleanup();
    free(fetch->url);
    free(fetch->socket);
    free(fetch->at);
    free(fetch);
}

bool fetch_get(struct fetch *fetch, struct bytes *body, char error[FETCH_ERROR])
{
    long status = 0;
    fetch->len = 0;
    CURLcode end = curl_easy_perform(fetch->curl);
    if (end != CURLE_OK) {
        (void)snprintf(error, FETCH_ERROR, "%s", curl_easy_strerror(end));
        return false;
    }
    (void)curl_easy_getinfo(fetch->curl, CURLINFO_RESPONSE_CODE, &status);
    if (status != 200) {
        (void)snprintf(error, FETCH_ERROR, "it answers %ld%s", status,
                       status == 404 ? ", as with --status off or loopback" : "");
        return false;
    }
    *body = (struct bytes){fetch->at, fetch->len};
    return true;
}

static bool set_place(struct fetch *fetch, const char *where, const char *target)
{
    if (strncmp(where, "unix:", 5) == 0) {
        fetch->socket = strdup(where + 5);
        CHECK(fetch->socket != NULL && asprintf(&fetch->url, "http://localhost%s", target) > 0);
        return fetch->socket[0] == '/';
    }
    const char *scheme = "http://";
    const char *host = strstr(where, "://");
    if (host != NULL) {
        scheme = "";
        host += 3;
    } else {
        host = where;
    }
    size_t len = (size_t)(host - where) + strcspn(host, "/?#");
    CHECK(asprintf(&fetch->url, "%s%.*s%s", scheme, (int)len, where, target) > 0);
    return where + len > host;
}

/* Setting an option fails for want of memory, or where it is not known: with this library both
 * would be a bug. */
#define SET(option, value) CHECK(curl_easy_setopt(fetch->curl, (option), (value)) == CURLE_OK)

static void set_options(struct fetch *fetch)
{
    SET(CURLOPT_URL, fetch->url);
    if (fetch->socket != NULL) {
        SET(CURLOPT_UNIX_SOCKET_PATH, fetch->socket);
    }
    SET(CURLOPT_PROTOCOLS_STR, "http,https");
    SET(CURLOPT_PROXY, ""); /* none, whatever the environment says: ask the server itself */
    SET(CURLOPT_NOSIGNAL, 1L);
    SET(CURLOPT_TIMEOUT_MS, (long)FETCH_TIMEOUT_MS);
    SET(CURLOPT_USERAGENT, "quartet-trace/" QUARTET_VERSION);
    SET(CURLOPT_WRITEFUNCTION, on_data);
    SET(CURLOPT_WRITEDATA, fetch);
}

/* Less than it is given ends the fetch. */
static size_t on_data(char *at, size_t size, size_t count, void *arg)
{
    struct fetch *fetch = arg;
    size_t len = size * count;
    if (len > FETCH_MOST - fetch->len) {
        return 0;
    }
    if (fetch->len + len > fetch->capacity) {
        fetch->capacity = 2 * (fetch->len + len);
        fetch->at = must_realloc(fetch->at, fetch->capacity);
    }
    memcpy(fetch->at + fetch->len, at, len);
    fetch->len += len;
    return len;
}
