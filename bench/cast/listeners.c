/* bench/cast/listeners.c: many listeners to one mount, which verify what they hear.
 *
 *     listeners HOST PORT /MOUNT [--count N] [--seconds S] …        README.md has the options
 *
 * Prints one JSON object when it ends: after --seconds, with --once as soon as all are streaming, or after
 * SIGTERM.
 * --tell says `streaming` on standard error when all are streaming, and `connected` when --connects have been
 * made, so that the caller can look at the server meanwhile.
 */
#include <inttypes.h>
#include <linux/sock_diag.h>
#include <sys/resource.h>

#include "crowd.h"

static const struct {
    const char *name;
    long *value;
    bool flag;
} option_rows[] = {
    {"--count", &options.count, false},
    {"--rate", &options.rate, false},
    {"--seconds", &options.seconds, false},
    {"--stalled", &options.stalled, false},
    {"--sources-of-address", &options.addresses, false},
    {"--verify", &options.verify, false},
    {"--churn", &options.churn, false},
    {"--connects", &options.connects, false},
    {"--rest-at", &options.rest_at, false},
    {"--rest", &options.rest, false},
    {"--pending", &options.pending, false},
    {"--threads", &options.threads, false},
    {"--pace", &options.pace, false},
    {"--behind", &options.behind, false},
    {"--icy", &options.icy, true},
    {"--once", &options.once, true},
    {"--tell", &options.tell, true},
    {"--http11", &options.http11, true},
};

/* ---- the command line ---------------------------------------------------------- */

static void read_option(char **words, int *at) {
    for (size_t i = 0; i < sizeof(option_rows) / sizeof(option_rows[0]); i++) {
        char *end = NULL;
        if (strcmp(words[*at], option_rows[i].name))
            continue;
        if (option_rows[i].flag) {
            *option_rows[i].value = 1;
            return;
        }
        if (words[*at + 1])
            *option_rows[i].value = strtol(words[++*at], &end, 10);
        if (!end || *end || *option_rows[i].value < 0)
            fail("wants a number", option_rows[i].name);
        return;
    }
    fail("no such option", words[*at]);
}

static void read_command_line(int count, char **words) {
    if (count < 4)
        fail("usage", "listeners HOST PORT /MOUNT [--count N] [--seconds S] ...");
    for (int at = 4; at < count; at++)
        read_option(words, &at);
    if (!options.count || !options.verify || !options.threads || options.threads > options.count)
        fail("none is not enough", "--count, --verify, --threads");
    server.sin_family = AF_INET;
    server.sin_port = htons((uint16_t)strtoul(words[2], NULL, 10));
    if (inet_pton(AF_INET, words[1], &server.sin_addr) != 1)
        fail("no IPv4 address", words[1]);
    snprintf(request, sizeof(request),
             "GET %s HTTP/1.%d\r\nHost: %s:%s\r\nUser-Agent: neap-bench\r\n%sConnection: close\r\n\r\n",
             words[3], options.http11 ? 1 : 0, words[1], words[2], options.icy ? "Icy-MetaData: 1\r\n" : "");
}

static void raise_limit(void) {
    char text[128];
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit))
        fail("getrlimit", strerror(errno));
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    snprintf(text, sizeof(text), "%ld listeners need %ld files, the hard limit (ulimit -Hn) is %lu",
             options.count, options.count + options.threads + 16, (unsigned long)limit.rlim_max);
    if ((rlim_t)(options.count + options.threads + 16) > limit.rlim_max)
        fail("too many", text);
}

/* ---- the report ---------------------------------------------------------------- */

/* How far listeners are behind the one that is furthest, at the end. */
struct positions {
    uint64_t furthest, lag_bytes;
    long behind;
    uint64_t
        receive_memory; /* of the listeners' own sockets: what the kernel has for what they did not read */
};

static void find_furthest(const crowd_t *crowd, struct positions *positions) {
    for (long i = 0; i < crowd->count; i++) {
        const listener_t *listener = &crowd->listeners[i];
        uint64_t position = record_check_position(&listener->check);
        if (listener->phase == STREAMING && listener->check.synced && position > positions->furthest)
            positions->furthest = position;
    }
}

static void find_lags(const crowd_t *crowd, struct positions *positions) {
    for (long i = 0; i < crowd->count; i++) {
        const listener_t *listener = &crowd->listeners[i];
        uint32_t memory[SK_MEMINFO_VARS];
        socklen_t bytes = sizeof(memory);
        if (listener->fd >= 0 && !getsockopt(listener->fd, SOL_SOCKET, SO_MEMINFO, memory, &bytes))
            positions->receive_memory += memory[SK_MEMINFO_RMEM_ALLOC] + memory[SK_MEMINFO_FWD_ALLOC];
        if (listener->phase != STREAMING)
            continue;
        uint64_t lag = positions->furthest - record_check_position(&listener->check);
        positions->behind += !listener->check.synced || lag > (uint64_t)options.behind;
        if (listener->check.synced && lag > positions->lag_bytes)
            positions->lag_bytes = lag;
    }
}

/* Adds the figures of a crowd to those of the first, which then stands for all. */
static void add_crowd(crowd_t *sum, const crowd_t *crowd) {
    size_t first_bytes = sum->first_bytes + crowd->first_bytes;
    sum->connected += crowd->connected, sum->disconnected += crowd->disconnected, sum->left += crowd->left;
    sum->bytes += crowd->bytes, sum->titles += crowd->titles, sum->chunked += crowd->chunked;
    sum->verified += crowd->verified, sum->corrupt += crowd->corrupt;
    sum->skipped += crowd->skipped, sum->skips += crowd->skips;
    sum->settled += crowd->settled, sum->count += crowd->count;
    for (int i = 0; i < STATUS_MOST; i++)
        sum->refused[i] += crowd->refused[i];
    for (int i = 0; i < ERRNO_MOST; i++)
        sum->failed[i] += crowd->failed[i];
    if (crowd->gap_ns > sum->gap_ns)
        sum->gap_ns = crowd->gap_ns;
    if (crowd->settled_ns > sum->settled_ns)
        sum->settled_ns = crowd->settled_ns;
    if (crowd->first_bytes == 0)
        return;
    sum->first_byte_us = realloc(sum->first_byte_us, first_bytes * sizeof(uint32_t));
    if (!sum->first_byte_us)
        fail("no memory", "fewer connects need less");
    memcpy(sum->first_byte_us + sum->first_bytes, crowd->first_byte_us,
           crowd->first_bytes * sizeof(uint32_t));
    sum->first_bytes = first_bytes;
}

static int by_size(const void *one, const void *other) {
    uint32_t a = *(const uint32_t *)one, b = *(const uint32_t *)other;
    return (a > b) - (a < b);
}

static double percentile_ms(const crowd_t *sum, size_t percent) {
    return sum->first_bytes ? sum->first_byte_us[(sum->first_bytes - 1) * percent / 100] / 1000.0 : 0;
}

static void print_counts(const char *name, const uint64_t *counts, int most, bool errors) {
    const char *comma = "";
    printf("\"%s\": {", name);
    for (int i = 0; i < most; i++)
        if (counts[i] && errors)
            printf("%s\"%s\": %" PRIu64, comma, strerror(i), counts[i]), comma = ", ";
        else if (counts[i])
            printf("%s\"%d\": %" PRIu64, comma, i, counts[i]), comma = ", ";
    printf("}, ");
}

static void print_count(const char *name, uint64_t count) {
    printf("\"%s\": %" PRIu64 ", ", name, count);
}

static void print_report(const crowd_t *sum, const struct positions *positions, int64_t began_ns) {
    qsort(sum->first_byte_us, sum->first_bytes, sizeof(uint32_t), by_size);
    printf("{");
    print_count("count", (uint64_t)options.count);
    print_count("connects", (uint64_t)atomic_load(&all_connects));
    print_count("connected", sum->connected);
    print_counts("refused", sum->refused, STATUS_MOST, false);
    print_counts("failed", sum->failed, ERRNO_MOST, true);
    print_count("chunked", sum->chunked);
    print_count("heard", sum->first_bytes);
    printf("\"first_byte_ms\": {\"p50\": %.1f, \"p99\": %.1f, \"max\": %.1f}, ", percentile_ms(sum, 50),
           percentile_ms(sum, 99), percentile_ms(sum, 100));
    if (sum->settled == sum->count)
        printf("\"all_streaming_ms\": %.1f, ", (double)(sum->settled_ns - began_ns) / 1e6);
    else
        printf("\"all_streaming_ms\": null, ");
    print_count("bytes", sum->bytes);
    print_count("verified", sum->verified);
    print_count("corrupt", sum->corrupt);
    print_count("skipped", sum->skipped);
    print_count("skips", sum->skips);
    print_count("titles", sum->titles);
    print_count("disconnected", sum->disconnected);
    print_count("left", sum->left);
    print_count("behind", (uint64_t)positions->behind);
    print_count("lag_bytes", positions->lag_bytes);
    print_count("receive_memory", positions->receive_memory);
    printf("\"gap_ms\": %.1f, \"seconds\": %.1f}\n", (double)sum->gap_ns / 1e6,
           (double)(now_ns() - began_ns) / 1e9);
}

/* ---- all of it ----------------------------------------------------------------- */

static void prepare(crowd_t *crowd, long number) {
    crowd->first = options.count * number / options.threads;
    crowd->count = options.count * (number + 1) / options.threads - crowd->first;
    crowd->connects_most =
        options.connects * (number + 1) / options.threads - options.connects * number / options.threads;
    crowd->listeners = zeroed((size_t)crowd->count, sizeof(listener_t));
    for (long i = 0; i < crowd->count; i++)
        crowd->listeners[i].fd = -1;
    crowd->buffer = zeroed(BUFFER_BYTES, 1);
    crowd->arriving = epoll_create1(EPOLL_CLOEXEC);
    crowd->streaming = epoll_create1(EPOLL_CLOEXEC);
    if (crowd->arriving < 0 || crowd->streaming < 0)
        fail("epoll_create1", strerror(errno));
}

static void finish(crowd_t *crowd) {
    for (long i = 0; i < crowd->count; i++)
        leave(crowd, &crowd->listeners[i]);
    free(crowd->listeners);
    free(crowd->buffer);
    close(crowd->arriving);
    close(crowd->streaming);
}

int main(int count, char **words) {
    struct positions positions = {0};
    crowd_t *crowds, sum = {0};
    read_command_line(count, words);
    raise_limit();
    signal(SIGTERM, on_signal);
    signal(SIGINT, on_signal);
    crowds = zeroed((size_t)options.threads, sizeof(crowd_t));
    int64_t began_ns = now_ns();
    for (long i = 0; i < options.threads; i++) {
        prepare(&crowds[i], i);
        int error = pthread_create(&crowds[i].thread, NULL, run_crowd, &crowds[i]);
        if (error)
            fail("pthread_create", strerror(error));
    }
    for (long i = 0; i < options.threads; i++)
        pthread_join(crowds[i].thread, NULL);
    for (long i = 0; i < options.threads; i++)
        find_furthest(&crowds[i], &positions);
    for (long i = 0; i < options.threads; i++)
        find_lags(&crowds[i], &positions);
    for (long i = 0; i < options.threads; i++) {
        finish(&crowds[i]);
        add_crowd(&sum, &crowds[i]);
        free(crowds[i].first_byte_us);
    }
    print_report(&sum, &positions, began_ns);
    free(sum.first_byte_us);
    free(crowds);
    return 0;
}
