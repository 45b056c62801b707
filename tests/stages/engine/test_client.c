/* test_client.c: what a new connection is, and the way back from what waits for it. */
#include "stages/engine/client.h"

#include "tests/stages/fake.h"

#include <arpa/inet.h>

TEST(client, is_new_with_the_descriptor_the_peer_and_the_time_of_its_accept)
{
    struct peer peer = {.port = htons(4711), .local = true};
    peer.address.s6_addr[15] = 1;
    struct client *client = client_new(37, &peer, 123456789);
    expect_int(client->conn.fd, 37);
    expect(memcmp(&client->conn.peer, &peer, sizeof peer) == 0);
    expect_int(client->conn.accepted_ns, 123456789);
    expect_int(client->conn.state, CONN_ACCEPTED);
    expect_int(client->home.state, HOME_NONE);
    expect(client->home.at == NULL && client->conn.exchange == NULL);
    expect(client_of(&client->conn) == client);
    client_free(client);
}

TEST(client, has_a_number_of_its_own_also_after_others_were_freed)
{
    struct peer peer = {.local = true};
    uint64_t last = 0;
    for (unsigned i = 0; i < 3; i++) {
        struct client *client = client_new(-1, &peer, 1);
        expect(client->conn.id > last);
        last = client->conn.id;
        client_free(client);
    }
}

/* The loop knows by the kind which member of a client has fired. */
TEST(client, has_a_deadline_at_home_and_another_for_its_sending_end)
{
    struct client *client = client_new(-1, &(struct peer){.local = true}, 1);
    expect_int(client->home.deadline.kind, DEADLINE_HOME);
    expect_int(client->out.deadline.kind, DEADLINE_OUT);
    expect(!deadline_is_set(&client->home.deadline) && !deadline_is_set(&client->out.deadline));
    client_free(client);
}

TEST(client, is_found_from_the_slip_of_each_of_its_tickets)
{
    struct client *client = client_new(-1, &(struct peer){.local = true}, 1);
    for (unsigned stage = STAGE_POLLER; stage < STAGE_COUNT; stage++) {
        client_ticket(client, stage)->stage = (unsigned char)stage;
        expect(client_of_ticket(ticket_of(&client_ticket(client, stage)->slip)) == client);
    }
    client_free(client);
}

/* That an engine with fakes for stages begins and ends in each wiring is what all tests of the
 * engine's modules rely on. */
TEST(client, comes_and_goes_in_an_engine_of_every_preset)
{
    static const char *const presets[] = {
#define PRESET(name, wiring, dispatch, overload, spawn, inlining, source, what) name,
#include "stages/model/presets.def"
#undef PRESET
    };
    for (unsigned i = 0; i < sizeof presets / sizeof *presets; i++) {
        int far;
        fake_set_up(presets[i]);
        fake_start();
        struct client *client = fake_client(fake_worker(STAGE_LISTENER), &far);
        expect_int(atomic_load(&fake.engine.connections), 1);
        expect(!fake_is_closed(far));
        client->conn.close = CLOSE_DRAINED;
        client_close(fake_worker(STAGE_LISTENER), client);
        expect(fake_is_closed(far));
        fake_stop();
    }
}
