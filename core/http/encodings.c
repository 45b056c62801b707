/* encodings.c: reading Accept-Encoding. See encodings.h. */
#include "core/http/encodings.h"

#include "core/http/accept.h"

static const struct {
    struct bytes name, alias;
    const char *suffix;
} encodings[ENCODING_COUNT] = {
    [ENCODING_BR] = {{"br", 2}, {"br", 2}, ".br"},
    /* RFC 9110 8.4.1.3: x-gzip is gzip. */
    [ENCODING_GZIP] = {{"gzip", 4}, {"x-gzip", 6}, ".gz"},
    [ENCODING_IDENTITY] = {{"identity", 8}, {"identity", 8}, ""},
};

/* What the client did not say has no weight. */
enum { WEIGHT_UNSAID = -1 };

struct weights {
    int of[ENCODING_COUNT];
    int others; /* of "*" */
};

const char *encoding_name(enum encoding encoding)
{
    return encodings[encoding].name.at;
}

const char *encoding_suffix(enum encoding encoding)
{
    return encodings[encoding].suffix;
}

/* Cuts a member into its coding and its weight: `gzip;q=0.5`. */
static int read_member(struct bytes member, struct bytes *coding)
{
    const char *semicolon = memchr(member.at, ';', member.len);
    if (semicolon == NULL) {
        *coding = member;
        return WEIGHT_FULL;
    }
    size_t len = (size_t)(semicolon - member.at);
    *coding = bytes_trim((struct bytes){member.at, len});
    struct bytes weight = bytes_trim((struct bytes){semicolon + 1, member.len - len - 1});
    if (weight.len < 2 || (weight.at[0] != 'q' && weight.at[0] != 'Q') || weight.at[1] != '=') {
        return WEIGHT_BAD;
    }
    return accept_qvalue((struct bytes){weight.at + 2, weight.len - 2});
}

/* A member that is malformed, or names a coding that we do not have, says nothing. */
static void note_member(struct weights *weights, struct bytes member)
{
    struct bytes coding;
    int weight = read_member(member, &coding);
    if (weight == WEIGHT_BAD) {
        return;
    }
    if (bytes_equal(coding, BYTES("*"))) {
        weights->others = weight;
        return;
    }
    for (unsigned i = 0; i < ENCODING_COUNT; i++) {
        if (bytes_equal_nocase(coding, encodings[i].name) ||
            bytes_equal_nocase(coding, encodings[i].alias)) {
            weights->of[i] = weight;
        }
    }
}

static struct weights read_weights(const struct request *request)
{
    struct weights weights = {{WEIGHT_UNSAID, WEIGHT_UNSAID, WEIGHT_UNSAID}, WEIGHT_UNSAID};
    for (unsigned i = 0; i < request->field_count; i++) {
        if (bytes_equal_nocase(request->fields[i].name, BYTES("Accept-Encoding"))) {
            struct bytes list = request->fields[i].value, member;
            while (bytes_next_member(&list, &member)) {
                note_member(&weights, member);
            }
        }
    }
    return weights;
}

/* What is not listed has the weight of "*". Without "*" a coding is not wanted, and identity is
 * acceptable, though less so than anything that is listed (RFC 9110 12.5.3). */
static int weight_of(const struct weights *weights, enum encoding encoding)
{
    int weight = weights->of[encoding] != WEIGHT_UNSAID ? weights->of[encoding] : weights->others;
    return weight != WEIGHT_UNSAID ? weight : 0;
}

enum encoding encodings_choose(const struct request *request, unsigned available)
{
    struct weights weights = read_weights(request);
    enum encoding best = ENCODING_IDENTITY;
    int best_weight = weight_of(&weights, ENCODING_IDENTITY);
    for (unsigned i = ENCODING_IDENTITY; i-- > 0;) {
        int weight = weight_of(&weights, (enum encoding)i);
        if ((available & encoding_bit((enum encoding)i)) != 0 && weight > 0 &&
            weight >= best_weight) {
            best = (enum encoding)i;
            best_weight = weight;
        }
    }
    return best;
}
