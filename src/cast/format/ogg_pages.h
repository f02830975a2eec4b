/* cast/format/ogg_pages.h: finds the pages of an Ogg stream, and keeps those that a new listener needs first.
 *
 *     page: "OggS" 0 flags granule(8) serial(4) sequence(4) crc(4) n | n segment lengths | their sum of bytes
 *
 *     BOS page  header pages (granule 0 or -1)   audio pages …           BOS page of the next chain …
 *     `-------------- kept ------------------'   ^ a listener can begin here, or at any later page
 *
 * Layout: RFC 3533, section 6. Header pages come before all others and have granule 0 (RFC 3533, section 6;
 * RFC 7845, section 3; Vorbis I, A.2); -1 marks a page within a packet. Several logical streams may begin
 * together. Checksums are not verified: players do. One thread at a time.
 */
#ifndef CAST_FORMAT_OGG_PAGES_H
#define CAST_FORMAT_OGG_PAGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    CAST_OGG_HEAD_BYTES_MOST = 27 + 255,
    CAST_OGG_HEADERS_BYTES_MOST = 1 << 20, /* of the kept pages: comments can hold a picture */
};

struct cast_ogg_pages {
    uint64_t offset;       /* of the next byte that is fed, from the first */
    uint64_t page_left;    /* bytes of the current page's body that are still to come */
    uint32_t head_bytes;   /* gathered of the next page's head */
    uint32_t lost_bytes;   /* that belong to no page, in all; stays at its largest value */
    bool beginning;        /* the last page was a BOS page; another one then begins no new chain */
    bool in_headers;       /* the current page is one that is kept */
    bool headers_complete; /* a page that is none of them has begun */
    bool too_much;         /* the headers of this chain are over CAST_OGG_HEADERS_BYTES_MOST; none are kept */
    uint8_t head[CAST_OGG_HEAD_BYTES_MOST];
    uint8_t *headers; /* the kept pages of the current chain, one behind the other */
    size_t header_bytes, header_room;
};

/* Prepares for a stream whose first byte is at `offset`. */
void cast_ogg_pages_open(struct cast_ogg_pages *pages, uint64_t offset);
void cast_ogg_pages_close(struct cast_ogg_pages *pages);

/* Called for each page that begins a place where a listener can begin: a page after the headers that no
 * packet continues into. */
typedef void cast_ogg_page_fn(void *context, uint64_t offset);

/* Takes the next bytes of the stream. Any bytes can be fed; what is no page is passed over until the next
 * "OggS". Returns 0 or NEAP_ERROR_MEMORY, and then keeps no headers of this chain. */
int cast_ogg_pages_feed(struct cast_ogg_pages *pages, const uint8_t *bytes, size_t count,
                        cast_ogg_page_fn *page, void *context);

#endif
