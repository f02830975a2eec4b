/* bench/cast/record_source.c: a source that sends the stream of records at a steady rate.
 *
 *     record_source HOST PORT /MOUNT --password P [--rate 128000] …     README.md has the options
 *
 * A piece is sent every 20 ms. What is due follows from the time since the start, so a late piece does not
 * move the later ones, and the rate does not drift. The stream goes on where it was when a connection ends,
 * at the next whole record. Prints one JSON object when it ends: after --seconds, after --turns, when the
 * connection ends without --reconnect, or after SIGTERM. --tell says `on air` on standard error each time
 * that it begins to send.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "record_stream.h"

enum {
    PIECE_BYTES = 16 * 1024,
    HEAD_MOST = 4096,
    TICK_MS = 20,
    RETRY_MS = 50,
    ANSWER_MS = 5000, /* for which the answer to Expect is waited for */
    STATUS_MOST = 600,
};

#define MS_NS INT64_C(1000000)
#define S_NS  INT64_C(1000000000)

static struct {
    long rate, ahead, seconds, turns, turn_ms, flip_at, skip_at, skip_bytes, expect, reconnect, tell;
    const char *user, *password, *name;
} options = {.rate = 128000,
             .turn_ms = 1000,
             .flip_at = -1,
             .skip_at = -1,
             .user = "source",
             .password = "hackme",
             .name = "bench"};

static const struct {
    const char *name;
    long *number;
    const char **text; /* neither: a flag */
    long *flag;
} option_rows[] = {
    {"--rate", &options.rate, NULL, NULL},           {"--ahead", &options.ahead, NULL, NULL},
    {"--seconds", &options.seconds, NULL, NULL},     {"--turns", &options.turns, NULL, NULL},
    {"--turn-ms", &options.turn_ms, NULL, NULL},     {"--flip-at", &options.flip_at, NULL, NULL},
    {"--skip-at", &options.skip_at, NULL, NULL},     {"--skip-bytes", &options.skip_bytes, NULL, NULL},
    {"--user", NULL, &options.user, NULL},           {"--password", NULL, &options.password, NULL},
    {"--name", NULL, &options.name, NULL},           {"--expect", NULL, NULL, &options.expect},
    {"--reconnect", NULL, NULL, &options.reconnect}, {"--tell", NULL, NULL, &options.tell},
};

static struct sockaddr_in server;
static char head[HEAD_MOST];
static volatile sig_atomic_t stopping;

/* What became of the connections. */
static struct {
    uint64_t position; /* in the stream, of the next byte */
    uint64_t sent, connects, on_air, broken, refused[STATUS_MOST], failed;
    int64_t end_ns, late_ns;
    bool skipped;
} source;

static void on_signal(int number) {
    (void)number;
    stopping = 1;
}

__attribute__((noreturn)) static void fail(const char *what, const char *on) {
    fprintf(stderr, "record_source: %s: %s\n", what, on);
    exit(2);
}

static int64_t now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * S_NS + now.tv_nsec;
}

static void sleep_until(int64_t until_ns) {
    struct timespec until = {.tv_sec = (time_t)(until_ns / S_NS), .tv_nsec = (long)(until_ns % S_NS)};
    while (!stopping && clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) == EINTR)
        continue;
}

static bool is_over(void) {
    return stopping || (options.seconds && now_ns() >= source.end_ns);
}

/* ---- the command line ---------------------------------------------------------- */

static void read_option(char **words, int *at) {
    for (size_t i = 0; i < sizeof(option_rows) / sizeof(option_rows[0]); i++) {
        char *end = "";
        if (strcmp(words[*at], option_rows[i].name))
            continue;
        if (option_rows[i].flag) {
            *option_rows[i].flag = 1;
            return;
        }
        if (!words[*at + 1])
            fail("wants a value", words[*at]);
        ++*at;
        if (option_rows[i].number)
            *option_rows[i].number = strtol(words[*at], &end, 10);
        else
            *option_rows[i].text = words[*at];
        if (*end)
            fail("wants a number", option_rows[i].name);
        return;
    }
    fail("no such option", words[*at]);
}

/* RFC 4648, for the header of the scheme Basic. */
static void write_base64(const char *text, char *out, size_t room) {
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    size_t bytes = strlen(text), written = 0;
    for (size_t i = 0; i < bytes && written + 5 < room; i += 3) {
        unsigned long three = (unsigned long)(uint8_t)text[i] << 16;
        three |= i + 1 < bytes ? (unsigned long)(uint8_t)text[i + 1] << 8 : 0;
        three |= i + 2 < bytes ? (unsigned long)(uint8_t)text[i + 2] : 0;
        for (unsigned digit = 0; digit < 4; digit++)
            out[written++] = i + digit > bytes ? '=' : digits[three >> (18 - 6 * digit) & 63];
    }
    out[written] = '\0';
}

static void read_command_line(int count, char **words) {
    char credentials[256], encoded[512];
    if (count < 4)
        fail("usage", "record_source HOST PORT /MOUNT --password P [--rate BITS] ...");
    for (int at = 4; at < count; at++)
        read_option(words, &at);
    server.sin_family = AF_INET;
    server.sin_port = htons((uint16_t)strtoul(words[2], NULL, 10));
    if (inet_pton(AF_INET, words[1], &server.sin_addr) != 1)
        fail("no IPv4 address", words[1]);
    snprintf(credentials, sizeof(credentials), "%s:%s", options.user, options.password);
    write_base64(credentials, encoded, sizeof(encoded));
    snprintf(head, sizeof(head),
             "PUT %s HTTP/1.1\r\nHost: %s:%s\r\nAuthorization: Basic %s\r\nUser-Agent: neap-bench\r\n"
             "Content-Type: audio/mpeg\r\nice-name: %s\r\nice-bitrate: %ld\r\nice-public: 0\r\n%s\r\n",
             words[3], words[1], words[2], encoded, options.name, options.rate / 1000,
             options.expect ? "Expect: 100-continue\r\n" : "");
}

/* ---- one connection ------------------------------------------------------------ */

static bool send_all(int fd, const void *bytes, size_t count) {
    const char *rest = bytes;
    while (count > 0 && !stopping) {
        ssize_t sent = send(fd, rest, count, MSG_NOSIGNAL);
        if (sent < 0 && errno != EINTR && errno != EAGAIN)
            return false;
        if (sent > 0)
            rest += sent, count -= (size_t)sent;
    }
    return count == 0;
}

/* The status of an answer, if one is there: 0 if there is none yet, -1 if the server has closed. */
static int read_status(int fd, int flags) {
    char text[HEAD_MOST];
    ssize_t got = recv(fd, text, sizeof(text) - 1, flags);
    if (got < 0)
        return errno == EAGAIN || errno == EINTR ? 0 : -1;
    text[got] = '\0';
    const char *space = strchr(text, ' ');
    int status = space ? (int)strtol(space, NULL, 10) : 0;
    return got == 0 ? -1 : status > 0 && status < STATUS_MOST ? status : 0;
}

/* Returns a connection that may send, or -1. */
static int open_connection(void) {
    struct timeval wait = {.tv_sec = ANSWER_MS / 1000}, tick = {.tv_sec = 1};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), status = 0;
    source.connects++;
    if (fd < 0)
        fail("socket", strerror(errno));
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tick, sizeof(tick));
    if (connect(fd, (struct sockaddr *)&server, sizeof(server)) || !send_all(fd, head, strlen(head)) ||
        (options.expect && (status = read_status(fd, 0)) <= 0)) {
        source.failed++;
        close(fd);
        return -1;
    }
    if (status >= 300) {
        source.refused[status]++;
        close(fd);
        return -1;
    }
    return fd;
}

static bool send_stream(int fd, uint64_t count) {
    static uint8_t piece[PIECE_BYTES];
    while (count > 0) {
        size_t bytes = count < PIECE_BYTES ? (size_t)count : PIECE_BYTES;
        if (options.skip_at >= 0 && !source.skipped && source.position >= (uint64_t)options.skip_at) {
            source.skipped = true;
            source.position += (uint64_t)options.skip_bytes;
        }
        uint64_t flip = (uint64_t)options.flip_at - source.position;
        record_fill(source.position, piece, bytes);
        if (options.flip_at >= 0 && flip < bytes)
            piece[flip] ^= 1;
        if (!send_all(fd, piece, bytes))
            return false;
        source.position += bytes, source.sent += bytes, count -= bytes;
    }
    return true;
}

/* Sends for as long as the connection lasts, or until a time unless that is 0. Returns whether it still
 * lasts. */
static bool send_steadily(int fd, int64_t until_ns) {
    int64_t start_ns = now_ns(), tick_ns = start_ns;
    uint64_t sent = 0;
    while (!is_over() && (!until_ns || now_ns() < until_ns)) {
        uint64_t due =
            (uint64_t)options.ahead + (uint64_t)((tick_ns - start_ns) / 1000 * options.rate / 8000000);
        int status = read_status(fd, MSG_DONTWAIT);
        if (status >= 300)
            source.refused[status]++;
        if (status >= 300 || status < 0 || !send_stream(fd, due - sent))
            return stopping != 0;
        sent = due;
        if (now_ns() - tick_ns > source.late_ns)
            source.late_ns = now_ns() - tick_ns;
        tick_ns += TICK_MS * MS_NS;
        sleep_until(tick_ns);
    }
    return true;
}

/* One turn in the air. Returns whether it was a whole one. */
static bool take_turn(bool last) {
    int fd = open_connection();
    if (fd < 0)
        return false;
    source.on_air++;
    source.position += (RECORD_BYTES - source.position % RECORD_BYTES) % RECORD_BYTES;
    if (options.tell)
        fprintf(stderr, "on air\n");
    bool whole = send_steadily(fd, last ? 0 : now_ns() + options.turn_ms * MS_NS);
    source.broken += !whole;
    close(fd);
    return whole;
}

static void print_report(void) {
    const char *comma = "";
    printf("{\"connects\": %" PRIu64 ", \"on_air\": %" PRIu64 ", \"broken\": %" PRIu64
           ", \"failed\": %" PRIu64,
           source.connects, source.on_air, source.broken, source.failed);
    printf(", \"refused\": {");
    for (int status = 0; status < STATUS_MOST; status++)
        if (source.refused[status]) {
            printf("%s\"%d\": %" PRIu64, comma, status, source.refused[status]);
            comma = ", ";
        }
    printf("}, \"bytes\": %" PRIu64 ", \"late_ms\": %.1f}\n", source.sent, (double)source.late_ns / 1e6);
}

/* With --turns, all but the last are of --turn-ms, and the last stays until it is stopped. */
int main(int count, char **words) {
    struct sigaction action = {.sa_handler = on_signal}; /* no SA_RESTART: a send that waits has to end */
    long turn = 0;
    read_command_line(count, words);
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
    source.end_ns = now_ns() + options.seconds * S_NS;
    while (!is_over()) {
        bool last = turn + 1 >= options.turns, whole = take_turn(last);
        if (whole && !last && ++turn + 1 == options.turns && options.tell)
            fprintf(stderr, "last turn\n");
        if (!options.reconnect && !options.turns)
            break;
        if (!is_over())
            sleep_until(now_ns() + RETRY_MS * MS_NS);
    }
    print_report();
    return 0;
}
