/* Would a sparse kind of Bits pay? Dense bits, whose untouched pages take no memory, beside
 * CRoaring (libroaring-dev) at several densities, scattered and in runs:
 *
 *     cc -O2 -Iinclude bench/sparse_bits.c -Lbuild -lneap -lroaring -Wl,-rpath,$PWD/build -o sparse &&
 * ./sparse
 *
 * Resident MB above the start of a fresh child, ns for a random look-up and a random set, ms to
 * count the common bits of two, over 2^26 bits (8 MiB dense).
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <neap/bits.h>
#include <roaring/roaring.h>

enum { LOOKUPS = 1000000 };

static const uint64_t BITS = UINT64_C(1) << 26;
static uint64_t random_state = 88172645463325252u;

static uint64_t next(void) {
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state;
}

static double cpu_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static double resident_mb(void) {
    unsigned long pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    if (!file || fscanf(file, "%*u %lu", &pages) != 1)
        exit(1);
    fclose(file);
    return (double)pages * (double)sysconf(_SC_PAGESIZE) / 1e6;
}

/* The n-th place to set: scattered, or runs of 100 neighbours. */
static uint32_t place(uint64_t n, bool runs) {
    static uint64_t start;
    if (!runs)
        return (uint32_t)(next() % BITS);
    if (n % 100 == 0)
        start = next() % (BITS - 100);
    return (uint32_t)(start + n % 100);
}

static void dense(uint64_t count, bool runs) {
    neap_bits_t two[2];
    double start_mb = resident_mb(), start, set_ns, get_ns;
    uint64_t found = 0;
    for (int i = 0; i < 2; i++)
        neap_bits_init(&two[i], NULL, BITS);
    start = cpu_ns();
    for (uint64_t n = 0; n < count; n++)
        neap_bits_set(&two[0], place(n, runs), true);
    set_ns = (cpu_ns() - start) / (double)count;
    double mb = resident_mb() - start_mb;
    for (uint64_t n = 0; n < count; n++)
        neap_bits_set(&two[1], place(n, runs), true);
    start = cpu_ns();
    for (int n = 0; n < LOOKUPS; n++)
        found += neap_bits_get(&two[0], next() % BITS);
    get_ns = (cpu_ns() - start) / LOOKUPS;
    start = cpu_ns();
    found += neap_bits_combined_count(&two[0], NEAP_BITS_AND, &two[1]);
    printf("%8.2f MB %6.1f get %6.1f set %8.3f and  (%" PRIu64 ")", mb, get_ns, set_ns,
           (cpu_ns() - start) / 1e6, found % 10);
}

static void roaring(uint64_t count, bool runs) {
    double start_mb = resident_mb(), start, set_ns, get_ns;
    roaring_bitmap_t *two[2] = {roaring_bitmap_create(), roaring_bitmap_create()};
    uint64_t found = 0;
    start = cpu_ns();
    for (uint64_t n = 0; n < count; n++)
        roaring_bitmap_add(two[0], place(n, runs));
    set_ns = (cpu_ns() - start) / (double)count;
    roaring_bitmap_run_optimize(two[0]);
    roaring_bitmap_shrink_to_fit(two[0]);
    double mb = resident_mb() - start_mb;
    for (uint64_t n = 0; n < count; n++)
        roaring_bitmap_add(two[1], place(n, runs));
    start = cpu_ns();
    for (int n = 0; n < LOOKUPS; n++)
        found += roaring_bitmap_contains(two[0], (uint32_t)(next() % BITS));
    get_ns = (cpu_ns() - start) / LOOKUPS;
    start = cpu_ns();
    found += roaring_bitmap_and_cardinality(two[0], two[1]);
    printf("%8.2f MB %6.1f get %6.1f set %8.3f and  (%" PRIu64 ")", mb, get_ns, set_ns,
           (cpu_ns() - start) / 1e6, found % 10);
}

static void in_child(void (*run)(uint64_t, bool), uint64_t count, bool runs) {
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        run(count, runs);
        fflush(stdout);
        _exit(0);
    }
    waitpid(child, NULL, 0);
}

int main(void) {
    static const double densities[] = {1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 3e-2, 1e-1};
    for (int runs = 0; runs < 2; runs++) {
        printf("%s\n%10s  %-46s %s\n", runs ? "runs of 100" : "scattered", "density", "dense", "roaring");
        for (size_t i = 0; i < sizeof(densities) / sizeof(*densities); i++) {
            uint64_t count = (uint64_t)((double)BITS * densities[i] + 100) / 100 * 100;
            printf("%10.0e  ", densities[i]);
            in_child(dense, count, runs);
            in_child(roaring, count, runs);
            printf("\n");
        }
    }
    return 0;
}
