/* containers/map/map_simd.h: compares and sums many bytes at a time. Pure.
 *
 * It handles 16 bytes at once on x86-64, and single bytes elsewhere. Columns have lengths
 * that are multiples of 8, and nothing beyond them is read. The `_32` functions are an
 * exception: they always read 32 bytes, so that there is no branch to mispredict.
 */
#ifndef NEAP_CONTAINERS_MAP_MAP_SIMD_H
#define NEAP_CONTAINERS_MAP_MAP_SIMD_H

#include <stdint.h>
#include <string.h>

#if defined(__SSE2__) && defined(__x86_64__)
#include <emmintrin.h>
#endif

enum { NEAP_SIMD_FAR = 255, NEAP_SIMD_FAR_BYTES = 16 };

#if defined(__SSE2__) && defined(__x86_64__)

/* One bit for each of the 8 bytes that equals `wanted`. */
static inline uint32_t neap__simd_match8(const uint8_t *bytes, uint8_t wanted) {
    __m128i some = _mm_loadl_epi64((const __m128i *)(const void *)bytes);
    return (uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(some, _mm_set1_epi8((char)wanted))) & 0xff;
}

/* The same for 16 bytes. */
static inline uint32_t neap__simd_match16(const uint8_t *bytes, uint8_t wanted) {
    __m128i some = _mm_loadu_si128((const __m128i *)(const void *)bytes);
    return (uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(some, _mm_set1_epi8((char)wanted)));
}

/* Sums of the two halves; a length of 255 counts as 16. */
static inline __m128i neap__simd_sums(__m128i lengths) {
    __m128i far = _mm_cmpeq_epi8(lengths, _mm_set1_epi8((char)NEAP_SIMD_FAR));
    __m128i stored =
        _mm_or_si128(_mm_andnot_si128(far, lengths), _mm_and_si128(far, _mm_set1_epi8(NEAP_SIMD_FAR_BYTES)));
    return _mm_sad_epu8(stored, _mm_setzero_si128());
}

/* Bytes that the first `count` texts with these lengths take. */
static inline uint32_t neap__simd_sum(const uint8_t *lengths, uint32_t count) {
    __m128i all = _mm_setzero_si128();
    for (; count >= 16; count -= 16, lengths += 16)
        all = _mm_add_epi32(all, neap__simd_sums(_mm_loadu_si128((const __m128i *)(const void *)lengths)));
    if (count >= 8) {
        all = _mm_add_epi32(all, neap__simd_sums(_mm_loadl_epi64((const __m128i *)(const void *)lengths)));
        count -= 8;
        lengths += 8;
    }
    if (count > 0) {
        uint64_t last;
        memcpy(&last, lengths, sizeof(last));
        last <<= 64 - 8 * count;
        all = _mm_add_epi32(all, neap__simd_sums(_mm_cvtsi64_si128((long long)last)));
    }
    return (uint32_t)_mm_cvtsi128_si32(all) + (uint32_t)_mm_cvtsi128_si32(_mm_srli_si128(all, 8));
}

/* The same for count <= 32; reads 32 lengths. */
static inline uint32_t neap__simd_sum_32(const uint8_t *lengths, uint32_t count) {
    const __m128i *at = (const __m128i *)(const void *)lengths;
    const __m128i first = _mm_set_epi8(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0);
    const __m128i end = _mm_set1_epi8((char)count);
    __m128i low = _mm_and_si128(_mm_loadu_si128(at), _mm_cmpgt_epi8(end, first));
    __m128i high =
        _mm_and_si128(_mm_loadu_si128(at + 1), _mm_cmpgt_epi8(end, _mm_add_epi8(first, _mm_set1_epi8(16))));
    __m128i all = _mm_add_epi32(neap__simd_sums(low), neap__simd_sums(high));
    return (uint32_t)_mm_cvtsi128_si32(all) + (uint32_t)_mm_cvtsi128_si32(_mm_srli_si128(all, 8));
}

#else

static inline uint32_t neap__simd_match8(const uint8_t *bytes, uint8_t wanted) {
    uint32_t found = 0;
    for (unsigned i = 0; i < 8; i++)
        found |= (uint32_t)(bytes[i] == wanted) << i;
    return found;
}

static inline uint32_t neap__simd_match16(const uint8_t *bytes, uint8_t wanted) {
    return neap__simd_match8(bytes, wanted) | neap__simd_match8(bytes + 8, wanted) << 8;
}

static inline uint32_t neap__simd_sum(const uint8_t *lengths, uint32_t count) {
    uint32_t sum = 0;
    for (uint32_t i = 0; i < count; i++)
        sum += lengths[i] == NEAP_SIMD_FAR ? NEAP_SIMD_FAR_BYTES : lengths[i];
    return sum;
}

static inline uint32_t neap__simd_sum_32(const uint8_t *lengths, uint32_t count) {
    return neap__simd_sum(lengths, count);
}

#endif

/* One bit for each of 32 bytes that equals `wanted`. */
static inline uint32_t neap__simd_match_32(const uint8_t *bytes, uint8_t wanted) {
    return neap__simd_match16(bytes, wanted) | neap__simd_match16(bytes + 16, wanted) << 16;
}

#endif
