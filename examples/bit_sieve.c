/* Bits from C: prime numbers up to ten million in 1.25 MB, and a field of flags.
 *
 *     cc bit_sieve.c $(pkg-config --cflags --libs neap)
 */
#include <inttypes.h>
#include <stdio.h>

#include <neap/bits.h>

/* Sets bit n for each prime n. 0 or a negative enum neap_error. */
static int sieve(neap_bits_t *primes, uint64_t limit) {
    int error = neap_bits_init(primes, NULL, limit);
    if (error != NEAP_OK)
        return error;
    neap_bits_fill(primes, 2, limit, true);
    for (uint64_t n = 2; n * n < limit; n++)
        for (uint64_t multiple = n * n; neap_bits_get(primes, n) && multiple < limit; multiple += n)
            neap_bits_set(primes, multiple, false);
    return NEAP_OK;
}

static void print_some(const neap_bits_t *primes) {
    uint64_t at;
    printf("%" PRIu64 " primes below %" PRIu64 " in %" PRIu64 " bytes\n",
           neap_bits_count(primes, 0, primes->count), primes->count, neap_bits_block_bytes(primes));
    for (uint64_t from = primes->count / 2, n = 0; n < 3; n++, from = at + 1)
        if (neap_bits_find(primes, true, from, primes->count, &at))
            printf("the next is %" PRIu64 "\n", at);
    if (neap_bits_find_last(primes, true, 0, primes->count, &at))
        printf("the last is %" PRIu64 "\n", at);
}

int main(void) {
    neap_bits_t primes, flags;
    int error = sieve(&primes, 10000000);
    if (error != NEAP_OK) {
        fprintf(stderr, "%s\n", neap_error_text(error));
        return 1;
    }
    print_some(&primes);
    neap_bits_resize(&primes, 100); /* what is no longer needed goes back */
    print_some(&primes);
    neap_bits_end(&primes);

    neap_bits_init(&flags, NULL, 16); /* up to 64 bits lie in the struct */
    neap_bits_set(&flags, 3, true);
    neap_bits_store(&flags, 4, 4, 0xB); /* a number in bits 4 to 7 */
    printf("flags 0x%04" PRIX64 ", of them the field %" PRIu64 "\n", neap_bits_load(&flags, 0, 16),
           neap_bits_load(&flags, 4, 4));
    neap_bits_end(&flags);
    return 0;
}
