/* What listeners are sent: every byte, in order, with titles where they belong; and who ends why. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "air_fixture.h"
#include "cast/air/fanout.h"
#include "os/limits.h"

enum { QUEUE = 262144, INTERVAL = 1000 };

static struct cast_air air;
static struct cast_fanout *fanout;
static unsigned ended[8], slow;

static void note_end(void *context, const struct cast_listener *listener, const struct cast_mount *mount,
                     enum cast_end why) {
    (void)context, (void)listener, (void)mount;
    ended[why]++;
}

static void note_slow(void *context, const struct cast_listener *listener, const struct cast_mount *mount) {
    (void)context, (void)listener, (void)mount;
    slow++;
}

static const struct cast_fanout_calls calls = {note_end, note_slow};

static int open_fanout(void **state) {
    (void)state;
    memset(ended, 0, sizeof(ended));
    slow = 0;
    fanout = calloc(1, sizeof(*fanout));
    if (!fanout || cast_air_open(&air) != NEAP_OK || cast_fanout_open(fanout, &air, &calls, NULL) != NEAP_OK)
        return 1;
    fanout->metadata_interval = INTERVAL;
    fanout->listener_timeout_s = 35;
    return 0;
}

static int close_fanout(void **state) {
    (void)state;
    cast_fanout_close(fanout);
    cast_air_close(&air);
    free(fanout);
    return 0;
}

static void assert_sound(void) {
    const char *why = "";
    if (!cast_fanout_check(fanout, &why))
        fail_msg("%s", why);
}

static struct cast_mount *take(const char *name, const char *type) {
    struct cast_facts facts = facts_of(type);
    struct cast_mount *mount = NULL;
    assert_int_equal(cast_mounts_take(&air.mounts, name, QUEUE, 10, &facts, &mount), NEAP_OK);
    return mount;
}

/* The far end of a listener: takes titles out and verifies what is left. */
struct player {
    int socket;
    bool titles, begun, ended;
    uint64_t offset; /* of the next byte of audio; the first one is found by its neighbours */
    uint32_t to_title, block_left, block_at;
    char block[4096], title[512];
    unsigned titles_told;
    uint64_t bytes;
};

static struct player player_join(struct cast_mount *mount, bool titles, uint64_t burst, uint32_t limit_s) {
    int pair[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    struct cast_arrival arrival = {.socket = pair[0],
                                   .wants_titles = titles,
                                   .burst_bytes = burst,
                                   .limit_s = limit_s,
                                   .agent = "player"};
    struct cast_blob *headers;
    uint64_t first = cast_mount_entry(mount, burst, &headers);
    cast_blob_drop(headers);
    assert_int_equal(cast_fanout_add(fanout, mount, &arrival), NEAP_OK);
    return (struct player){.socket = pair[1], .titles = titles, .offset = first, .to_title = INTERVAL};
}

static void player_take_title(struct player *player) {
    const char *start = strstr(player->block, "StreamTitle='"), *end = start ? strstr(start, "';") : NULL;
    assert_true(start && end);
    snprintf(player->title, sizeof(player->title), "%.*s", (int)(end - start - 13), start + 13);
    player->titles_told++;
}

static void player_take_byte(struct player *player, uint8_t byte) {
    if (player->block_left > 0) {
        player->block[player->block_at++] = (char)byte;
        if (--player->block_left == 0) {
            player->block[player->block_at] = '\0';
            player_take_title(player);
        }
    } else if (player->titles && player->to_title == 0) {
        player->to_title = INTERVAL;
        player->block_left = byte * 16u;
        player->block_at = 0;
    } else {
        player->to_title--;
        assert_int_equal(byte, stream_byte(player->offset));
        player->offset++;
        player->bytes++;
    }
}

/* Takes up to `most` bytes of what has come. */
static size_t player_take(struct player *player, size_t most) {
    uint8_t bytes[4096];
    size_t sum = 0;
    while (sum < most) {
        size_t wanted = most - sum < sizeof(bytes) ? most - sum : sizeof(bytes);
        ssize_t got = recv(player->socket, bytes, wanted, MSG_DONTWAIT);
        if (got == 0)
            player->ended = true;
        if (got <= 0)
            break;
        for (ssize_t i = 0; i < got; i++)
            player_take_byte(player, bytes[i]);
        sum += (size_t)got;
    }
    return sum;
}

static void player_leave(struct player *player) {
    close(player->socket);
}

/* One batch. */
static void batch(uint32_t now_s) {
    for (unsigned i = 0; i < CAST_SHARES; i++) {
        cast_fanout_tick(fanout, now_s);
        cast_fanout_take_events(fanout);
    }
    assert_sound();
}

static void the_burst_and_every_byte_after_it(void **state) {
    (void)state;
    struct cast_mount *mount = take("/a", "audio/mpeg");
    put_on_air(mount, NULL, 50000);
    struct player player = player_join(mount, false, 20000, 0), late = player_join(mount, false, 0, 0);
    player_take(&player, SIZE_MAX);
    assert_int_equal(player.bytes, 20000);
    assert_int_equal(player_take(&late, SIZE_MAX), 0);
    for (unsigned i = 1; i <= 100; i++) {
        put_on_air(mount, NULL, i * 7);
        batch(i);
        player_take(&player, SIZE_MAX);
        player_take(&late, SIZE_MAX);
    }
    assert_int_equal(player.offset, neap_stream_written(mount->ring));
    assert_int_equal(late.offset, player.offset);
    assert_int_equal(atomic_load(&mount->listeners), 2);
    assert_int_equal(atomic_load(&mount->sent_bytes), player.bytes + late.bytes);
    player_leave(&player);
    put_on_air(mount, NULL, 10);
    batch(101);
    batch(101);
    assert_int_equal(ended[CAST_END_LEFT], 1);
    assert_int_equal(atomic_load(&mount->listeners), 1);
    assert_int_equal(atomic_load(&mount->listeners_peak), 2);
    player_leave(&late);
    cast_mount_drop(mount);
}

static void titles_stand_where_they_belong(void **state) {
    (void)state;
    struct cast_mount *mount = take("/a", "audio/mpeg");
    put_on_air(mount, NULL, 30000);
    cast_mount_set_title(mount, "first", "");
    struct player player = player_join(mount, true, 10500, 0);
    player_take(&player, SIZE_MAX);
    assert_int_equal(player.bytes, 10500);
    assert_string_equal(player.title, "first");
    assert_int_equal(player.titles_told, 1); /* and ten times: as before */
    for (unsigned i = 1; i <= 60; i++) {
        char title[32];
        snprintf(title, sizeof(title), "title %u", i);
        cast_mount_set_title(mount, title, "");
        put_on_air(mount, NULL, 1000 + i);
        batch(i);
        player_take(&player, SIZE_MAX);
        assert_string_equal(player.title, title);
    }
    assert_int_equal(player.titles_told, 61);
    player_leave(&player);
    cast_mount_drop(mount);
}

/* A socket that takes a few bytes at a time cuts titles in two; the rest goes first the next time. */
/* A page of an Ogg stream, whose granule position is 0 for headers. */
static size_t page_make(uint8_t *out, uint8_t flags, uint64_t granule, size_t body) {
    memset(out, 0, 27 + 255);
    memcpy(out, "OggS", 4);
    out[5] = flags;
    memcpy(out + 6, &granule, 8);
    size_t segments = body / 255 + 1;
    out[26] = (uint8_t)segments;
    memset(out + 27, 255, segments - 1);
    out[26 + segments] = (uint8_t)(body % 255);
    for (size_t i = 0; i < body; i++)
        out[27 + segments + i] = stream_byte(granule * 7 + i);
    return 27 + segments + body;
}

/* Titles count from the first byte of the body, and that is one of the headers. */
static void titles_within_headers(void **state) {
    (void)state;
    static uint8_t page[65536], wanted[20000], raw[65536];
    struct cast_mount *mount = take("/a", "application/ogg");
    size_t headers = page_make(page, 2, 0, 30);
    put_on_air(mount, page, headers);
    memcpy(wanted, page, headers);
    size_t bytes = page_make(page, 0, 0, 4500); /* with four titles in it */
    put_on_air(mount, page, bytes);
    memcpy(wanted + headers, page, bytes);
    headers += bytes;
    bytes = page_make(page, 0, 960, 3000);
    put_on_air(mount, page, bytes);
    bytes = page_make(page, 0, 1920, 3000);
    put_on_air(mount, page, bytes);
    memcpy(wanted + headers, page, bytes);
    cast_mount_set_title(mount, "within", "");
    struct player player = player_join(mount, true, bytes, 0);
    batch(1);
    ssize_t got = recv(player.socket, raw, sizeof(raw), MSG_DONTWAIT);
    size_t audio = 0, titles = 0;
    for (ssize_t i = 0; i < got;) {
        size_t part = got - i < INTERVAL ? (size_t)(got - i) : INTERVAL;
        assert_memory_equal(raw + i, wanted + audio, part);
        audio += part;
        i += (ssize_t)part;
        if (i < got) {
            titles++;
            i += 1 + raw[i] * 16;
        }
    }
    assert_int_equal(audio, headers + bytes);
    assert_int_equal(titles, audio / INTERVAL);
    player_leave(&player);
    cast_mount_drop(mount);
}

static void a_narrow_socket(void **state) {
    (void)state;
    struct cast_mount *mount = take("/a", "audio/mpeg");
    char title[400];
    memset(title, 't', sizeof(title));
    title[sizeof(title) - 1] = '\0';
    struct player player = player_join(mount, true, 0, 0);
    int bytes = 2048;
    setsockopt(fanout->table.chunks[0][0].socket, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes));
    srand(5);
    for (unsigned i = 1; i <= 3000; i++) {
        title[0] = (char)('a' + i % 26);
        if (i % 3 == 0)
            cast_mount_set_title(mount, title, "");
        put_on_air(mount, NULL, (size_t)rand() % 900);
        batch(i / 100 + 1);
        player_take(&player, (size_t)rand() % 1200);
    }
    for (unsigned i = 0; i < 2000 && player.offset < neap_stream_written(mount->ring); i++) {
        batch(31);
        player_take(&player, SIZE_MAX);
    }
    assert_int_equal(player.offset, neap_stream_written(mount->ring));
    assert_true(player.titles_told > 100);
    assert_int_equal(slow, 0);
    player_leave(&player);
    cast_mount_drop(mount);
}

/* Whoever gets the whole queue as his burst is not slow for that. */
static void a_burst_as_large_as_the_queue(void **state) {
    (void)state;
    struct cast_mount *mount = take("/a", "audio/mpeg");
    put_on_air(mount, NULL, 1000000);
    struct player player = player_join(mount, false, QUEUE, 0);
    for (unsigned i = 1; i <= 40; i++) {
        player_take(&player, SIZE_MAX);
        put_on_air(mount, NULL, 500);
        batch(i);
    }
    player_take(&player, SIZE_MAX);
    assert_int_equal(player.offset, neap_stream_written(mount->ring));
    assert_int_equal(player.bytes, QUEUE + 40 * 500);
    assert_int_equal(slow, 0);
    player_leave(&player);
    cast_mount_drop(mount);
}

static void who_is_too_slow_is_moved_and_who_takes_nothing_ends(void **state) {
    (void)state;
    struct cast_mount *mount = take("/a", "audio/mpeg");
    struct player still = player_join(mount, false, 0, 0);
    for (unsigned i = 1; i <= 30; i++) {
        put_on_air(mount, NULL, QUEUE / 4);
        batch(i);
    }
    struct cast_listener *listener = &fanout->table.chunks[0][0];
    assert_true(listener->blocked);
    /* He takes what the kernel held for him, and goes on at a place that is still there. */
    player_take(&still, SIZE_MAX);
    uint64_t first_part = still.offset;
    cast_fanout_take_events(fanout);
    assert_int_equal(slow, 1);
    assert_int_equal(atomic_load(&mount->moved_ahead), 1);
    assert_true(listener->reader.missed_bytes > 0);
    still.offset = first_part + listener->reader.missed_bytes;
    player_take(&still, SIZE_MAX);
    assert_true(still.offset > neap_stream_oldest(mount->ring));
    uint32_t last_s = listener->progress_s, now_s = last_s;
    while (ended[CAST_END_SILENT] == 0 && now_s < last_s + 100) {
        put_on_air(mount, NULL, QUEUE / 4);
        batch(++now_s);
        if (ended[CAST_END_SILENT] == 0)
            last_s = listener->progress_s;
    }
    assert_int_equal(now_s, last_s + 35);
    assert_int_equal(ended[CAST_END_SILENT], 1);
    assert_int_equal(fanout->table.count, 0);
    player_leave(&still);
    cast_mount_drop(mount);
}

static void limits_and_administration(void **state) {
    (void)state;
    struct cast_mount *a = take("/a", "audio/mpeg"), *b = take("/b", "audio/mpeg");
    put_on_air(a, NULL, 5000);
    put_on_air(b, NULL, 5000);
    struct player short_one = player_join(a, false, 0, 10), killed = player_join(a, false, 0, 0),
                  moved = player_join(a, false, 0, 0);
    uint32_t id = fanout->table.chunks[0][1].id;
    assert_false(cast_fanout_kill(fanout, 9999));
    assert_true(cast_fanout_kill(fanout, id));
    assert_int_equal(ended[CAST_END_KILLED], 1);
    batch(9);
    assert_int_equal(ended[CAST_END_TIME], 0);
    batch(10);
    assert_int_equal(ended[CAST_END_TIME], 1);
    assert_int_equal(cast_fanout_move(fanout, a, b), 1);
    assert_int_equal(atomic_load(&a->listeners), 0);
    assert_int_equal(atomic_load(&b->listeners), 1);
    moved.offset = fanout->table.chunks[0][2].reader.offset;
    player_take(&moved, SIZE_MAX);
    moved.offset = fanout->table.chunks[0][2].reader.offset;
    put_on_air(b, NULL, 500);
    batch(11);
    player_take(&moved, SIZE_MAX);
    assert_int_equal(moved.offset, neap_stream_written(b->ring));
    player_leave(&short_one);
    player_leave(&killed);
    player_leave(&moved);
    cast_mount_drop(a);
    cast_mount_drop(b);
}

static void lose_and_end(struct cast_mount *mount) {
    cast_mount_lose(mount, 1);
    cast_mounts_end(&air.mounts, mount);
}

static void fallback_and_return(void **state) {
    (void)state;
    struct cast_mount *home = take("/home", "audio/mpeg"), *away = take("/away", "audio/mpeg"),
                      *other = take("/other", "audio/aac");
    home->fallback = (free(home->fallback), strdup("/away"));
    other->fallback = (free(other->fallback), strdup("/away"));
    put_on_air(home, NULL, 3000);
    put_on_air(away, NULL, 9000);
    put_on_air(other, NULL, 3000);
    struct player player = player_join(home, false, 0, 0), stranger = player_join(other, false, 0, 0);
    put_on_air(home, NULL, 100);
    lose_and_end(home);
    lose_and_end(other); /* its listeners cannot go on with another type */
    batch(1);
    player_take(&player, 100);
    assert_int_equal(player.bytes, 100); /* what came before the end was sent */
    batch(2);
    assert_int_equal(ended[CAST_END_SOURCE], 1);
    assert_int_equal(atomic_load(&away->listeners), 1);
    struct cast_mount *again = take("/home", "audio/mpeg");
    batch(3);
    assert_int_equal(atomic_load(&away->listeners), 1); /* nothing is on air there yet */
    put_on_air(again, NULL, 10);
    batch(4);
    assert_int_equal(atomic_load(&away->listeners), 0);
    assert_int_equal(atomic_load(&again->listeners), 1);
    assert_int_equal(atomic_load(&home->listeners), 0);
    player_leave(&player);
    player_leave(&stranger);
    cast_mount_drop(home);
    cast_mount_drop(away);
    cast_mount_drop(other);
    cast_mount_drop(again);
}

static void many_come_and_go(void **state) {
    (void)state;
    enum { PLAYERS = 1200 };
    static struct player players[PLAYERS];
    static bool here[PLAYERS];
    struct cast_mount *mount = take("/a", "audio/mpeg");
    put_on_air(mount, NULL, 30000);
    srand(8);
    for (unsigned step = 0; step < 6000; step++) {
        size_t i = (size_t)rand() % PLAYERS;
        if (!here[i])
            players[i] = player_join(mount, rand() % 2, (uint64_t)rand() % 9000, 0);
        else
            player_take(&players[i], SIZE_MAX), player_leave(&players[i]);
        here[i] = !here[i];
        if (step % 50 == 0) {
            put_on_air(mount, NULL, (size_t)rand() % 3000);
            batch(step / 300 + 1);
        }
    }
    for (size_t i = 0; i < PLAYERS; i++)
        if (here[i])
            player_take(&players[i], SIZE_MAX), player_leave(&players[i]);
    for (unsigned i = 0; i < 40; i++) {
        put_on_air(mount, NULL, 10);
        batch(40);
    }
    assert_int_equal(fanout->table.count, 0);
    assert_int_equal(fanout->table.end, 0); /* all chunks went back */
    assert_int_equal(atomic_load(&air.listeners), 0);
    cast_mount_drop(mount);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_burst_and_every_byte_after_it, open_fanout, close_fanout),
        cmocka_unit_test_setup_teardown(titles_stand_where_they_belong, open_fanout, close_fanout),
        cmocka_unit_test_setup_teardown(titles_within_headers, open_fanout, close_fanout),
        cmocka_unit_test_setup_teardown(a_narrow_socket, open_fanout, close_fanout),
        cmocka_unit_test_setup_teardown(a_burst_as_large_as_the_queue, open_fanout, close_fanout),
        cmocka_unit_test_setup_teardown(who_is_too_slow_is_moved_and_who_takes_nothing_ends, open_fanout,
                                        close_fanout),
        cmocka_unit_test_setup_teardown(limits_and_administration, open_fanout, close_fanout),
        cmocka_unit_test_setup_teardown(fallback_and_return, open_fanout, close_fanout),
        cmocka_unit_test_setup_teardown(many_come_and_go, open_fanout, close_fanout),
    };
    neap_os_descriptors_raise(); /* two for each of many listeners */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
