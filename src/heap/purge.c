/* heap/purge.c: looks, batches, the decay and the high-water mark. */
#include "heap/purge.h"

#include <assert.h>

#include "heap/mapped_run.h"
#include "heap/mesh.h"
#include "heap/run.h"
#include "heap/slab.h"
#include "os/clock.h"
#include "os/limits.h"
#include "os/memory.h"

enum {
    BATCH_RANGES = 64,  /* most ranges given back in one call, while the lock is held */
    BATCH_PAGES = 512,  /* pages after which a batch is given back; that takes about 150 microseconds */
    LOOKS_A_HOLD = 256, /* units looked at before other threads get the lock */
    BOUNCE_SHARE = 32,  /* the decay grows if 1/32 of the resident pages have bounced, */
    BOUNCE_PAGES = 64,  /* and at least this many */
    CALM_MS = 10000,    /* time without a bounce before the decay falls back */
    STEP_MS_MIN = 10,
    HIGH_WATER_SHARE = 32,        /* the high-water mark rises in steps of 1/32 of the resident pages */
    LIMIT_HEAP_BYTES = 16 << 20,  /* smaller heaps do not read the control group's limit */
    GROUP_LIMIT_MS = 1000,        /* the limit is read again after this time */
    LIMIT_MARGIN_BYTES = 2 << 20, /* part of that limit for what is not counted: page tables, bookkeeping */
    HIGH_WATER_PAGES = 64,        /* the smallest step of the high-water mark */
    COST_SHARE = 100              /* looking may take 1/100 of the time */
};

/* Pages to give back together. The totals count all flushes of the batch. */
struct batch {
    struct neap_os_range ranges[BATCH_RANGES];
    uint32_t count, pages;
    uint64_t took_ns, all_pages, all_ranges;
    enum neap_layout_purge_cause cause;
};

/* --- giving back --- */

static void batch_flush(struct batch *batch) {
    if (batch->count == 0)
        return;
    uint64_t start = neap_os_now_ns();
    neap_os_purge(batch->ranges, batch->count);
    batch->took_ns += neap_os_now_ns() - start;
    batch->all_pages += batch->pages;
    batch->all_ranges += batch->count;
    batch->count = batch->pages = 0;
}

/* Pages that the batch has given back or is about to. */
static uint64_t spent(const struct batch *batch) {
    return batch->all_pages + batch->pages;
}

static void batch_add(neap_heap_t *heap, struct batch *batch, unsigned char *address, uint32_t pages) {
    size_t bytes = (size_t)pages << heap->page_shift;
    struct neap_os_range *last = batch->count > 0 ? &batch->ranges[batch->count - 1] : NULL;
    if (last && (unsigned char *)last->address + last->bytes == address) {
        last->bytes += bytes;
    } else {
        if (batch->count == BATCH_RANGES)
            batch_flush(batch);
        batch->ranges[batch->count++] = (struct neap_os_range){address, bytes};
    }
    batch->pages += pages;
}

/* Gives back the pages in `mask` of one unit, all of them free and in memory. */
static void give_back(neap_heap_t *heap, struct batch *batch, struct neap__place place, unsigned mask,
                      uint32_t now_ms) {
    neap__unit_t *unit = neap__place_unit(heap, place);
    assert((mask & ~(unsigned)unit->resident) == 0);
    unsigned meshed = mask & unit->meshed;
    if (meshed != 0) {
        uint64_t start_ns = neap_os_now_ns();
        mask &= ~neap__mesh_lift(heap, place, meshed); /* what stays is tried again at the next look */
        batch->took_ns += neap_os_now_ns() - start_ns;
    }
    unit->resident = (uint16_t)(unit->resident & ~mask);
    unit->purged = (uint16_t)(unit->purged | mask);
    /* Only a purge by decay counts for bounces, because the decay did not cause the others. */
    unit->purged_ms = batch->cause == NEAP_PURGE_DECAY ? now_ms : now_ms - NEAP_BOUNCE_MS - 1;
    heap->layout.resident_pages -= neap_word_count(mask);
    heap->layout.purged_pages += neap_word_count(mask);
    unsigned char *address = neap__place_address(heap, place);
    mask &= ~meshed; /* these went by their new mapping */
    while (mask != 0) {
        unsigned first = neap_word_lowest(mask);
        unsigned length = neap_word_lowest(~((uint64_t)mask >> first));
        batch_add(heap, batch, address + ((size_t)first << heap->page_shift), length);
        mask &= ~(((1u << length) - 1) << first);
    }
    if (unit->kind == NEAP_UNIT_FREE)
        neap__region_file(heap, place);
    if (batch->pages >= BATCH_PAGES)
        batch_flush(batch);
}

static void note_event(neap_heap_t *heap, const struct batch *batch) {
    if (batch->all_pages == 0)
        return;
    struct neap_layout_heap *layout = &heap->layout;
    layout->purges++;
    layout->purge_ns += batch->took_ns;
    layout->events[layout->event_count % NEAP_LAYOUT_EVENTS] = (struct neap_layout_event){
        .at_ms = neap__heap_ms(heap),
        .bytes = batch->all_pages << heap->page_shift,
        .ranges = (uint32_t)batch->all_ranges,
        .cause = batch->cause,
        .took_ns = batch->took_ns,
    };
    layout->event_count++;
}

/* --- looking --- */

static unsigned free_pages(const neap_heap_t *heap, struct neap__place place) {
    const neap__unit_t *unit = neap__place_unit(heap, place);
    switch (unit->kind) {
    case NEAP_UNIT_FREE:
        return unit->resident;
    case NEAP_UNIT_SLAB:
        return neap__slab_free_pages(heap, unit) & unit->resident & ~(unsigned)unit->meshed;
    default:
        return neap__run_free_pages(heap, place);
    }
}

static void unqueue(neap_heap_t *heap, struct neap__place place) {
    neap__unit_t *unit = neap__place_unit(heap, place);
    unit->flags = (uint8_t)(unit->flags & ~NEAP_UNIT_QUEUED);
    unit->idle = 0;
    heap->queued_units--;
    neap__bits_at(&heap->regions[place.region], place.index / 64)->queued &=
        ~(UINT64_C(1) << (place.index % 64));
}

/* Looks at a queued unit: notes its free pages, or gives back those that were noted a decay ago. The
 * unit leaves the queue when no page waits any more. If `decay_ms` is 0, gives back all free pages. */
static void look(neap_heap_t *heap, struct batch *batch, struct neap__place place, uint32_t now_ms,
                 uint32_t decay_ms) {
    neap__unit_t *unit = neap__place_unit(heap, place);
    unsigned free = free_pages(heap, place);
    if (free == 0) {
        unqueue(heap, place);
    } else if (decay_ms == 0) {
        give_back(heap, batch, place, free, now_ms);
        unqueue(heap, place);
    } else if (unit->flags & NEAP_UNIT_TAKEN) {
        unit->flags = (uint8_t)(unit->flags & ~NEAP_UNIT_TAKEN);
        unit->idle = (uint16_t)free;
        unit->idle_ms = now_ms;
    } else if (now_ms - unit->idle_ms >= decay_ms) {
        unsigned ripe = unit->idle & free;
        if (ripe != 0)
            give_back(heap, batch, place, ripe, now_ms);
        unit->idle = (uint16_t)(free & ~ripe);
        unit->idle_ms = now_ms;
        if (unit->idle == 0)
            unqueue(heap, place);
    }
}

/* Looks at the queued units of one word of bits. Returns their number. */
static uint32_t look_word(neap_heap_t *heap, struct batch *batch, uint32_t region, uint32_t word,
                          uint32_t now_ms, uint32_t decay_ms) {
    uint64_t bits = neap__bits_at(&heap->regions[region], word)->queued;
    uint32_t looks = neap_word_count(bits);
    for (; bits != 0; bits &= bits - 1) {
        struct neap__place place = {region, word * 64 + neap_word_lowest(bits)};
        look(heap, batch, place, now_ms, decay_ms);
    }
    return looks;
}

static uint32_t words_of(const neap_heap_t *heap, uint32_t region) {
    return !heap->regions[region].base ? 0 : (heap->layout.regions[region].top + 63) / 64;
}

/* Gives back spare pages of mapped runs until the batch has given back about `pages`. Flushes the
 * batch. */
static void give_back_mapped(neap_heap_t *heap, struct batch *batch, uint32_t now_ms, uint32_t decay_ms,
                             uint64_t pages) {
    struct neap_os_range range;
    while (spent(batch) < pages && neap__mapped_reclaim(heap, now_ms, decay_ms, BATCH_PAGES, &range)) {
        batch_add(heap, batch, range.address, (uint32_t)(range.bytes >> heap->page_shift));
        if (batch->pages >= BATCH_PAGES)
            batch_flush(batch);
    }
    batch_flush(batch);
    neap__mapped_unmap(heap);
}

/* The control group's limit. Reading it takes several files, so it is not read again within
 * GROUP_LIMIT_MS unless `fresh`. */
static uint64_t group_limit(neap_heap_t *heap, bool fresh) {
    uint32_t now_ms = neap__heap_ms(heap);
    if (fresh || heap->group_limit_bytes == 0 || now_ms - heap->group_limit_ms >= GROUP_LIMIT_MS) {
        heap->group_limit_bytes = neap_os_cgroup_limit_bytes();
        heap->group_limit_ms = now_ms;
    }
    return heap->group_limit_bytes;
}

/* Takes as the heap's limit what the rest of the process leaves of the control group's limit. Small
 * heaps skip it, because reading the limit takes time. */
static void heed_limit(neap_heap_t *heap, bool fresh) {
    uint64_t heap_bytes = (heap->layout.resident_pages - neap__heap_meshed_away(heap)) << heap->page_shift;
    if (heap_bytes < LIMIT_HEAP_BYTES)
        return;
    uint64_t limit = group_limit(heap, fresh), share = limit;
    if (limit != UINT64_MAX) {
        uint64_t all = neap_os_resident_bytes(), others = all > heap_bytes ? all - heap_bytes : 0;
        share = limit > others + LIMIT_MARGIN_BYTES ? limit - others - LIMIT_MARGIN_BYTES : 0;
    }
    share >>= heap->page_shift;
    heap->limit_pages = share < heap->limit_asked_pages ? share : heap->limit_asked_pages;
}

uint64_t neap__purge_all(neap_heap_t *heap, enum neap_layout_purge_cause cause) {
    struct batch batch = {.cause = cause};
    uint32_t now_ms = neap__heap_ms(heap);
    for (uint32_t n = 0; n < heap->layout.region_count; n++) {
        for (uint32_t w = 0; w < words_of(heap, n); w++)
            look_word(heap, &batch, n, w, now_ms, 0);
    }
    give_back_mapped(heap, &batch, now_ms, 0, UINT64_MAX);
    note_event(heap, &batch);
    neap__region_shrink(heap);
    if (cause == NEAP_PURGE_LIMIT)
        heed_limit(heap, true); /* the control group's limit may have been raised */
    return batch.all_pages;
}

/* Adds to the budget for high-water marks what the time since the last call allows. */
static void high_water_budget_fill(neap_heap_t *heap, uint32_t now_ms) {
    int64_t pages = heap->high_water_budget + (int64_t)(now_ms - heap->high_water_ms) * NEAP_HIGH_WATER_RATE;
    heap->high_water_budget = pages < NEAP_HIGH_WATER_BUDGET ? pages : NEAP_HIGH_WATER_BUDGET;
    heap->high_water_ms = now_ms;
}

void neap__purge_at_high_water(neap_heap_t *heap) {
    struct batch batch = {.cause = NEAP_PURGE_HIGH_WATER};
    uint32_t now_ms = neap__heap_ms(heap);
    high_water_budget_fill(heap, now_ms);
    uint64_t budget = heap->high_water_budget > 0 ? (uint64_t)heap->high_water_budget : 0;
    give_back_mapped(heap, &batch, now_ms, 0, budget);
    for (uint32_t n = 0; heap->queued_units > 0 && n < heap->layout.region_count; n++) {
        for (uint32_t w = 0; w < words_of(heap, n) && spent(&batch) < budget; w++)
            look_word(heap, &batch, n, w, now_ms, 0);
    }
    batch_flush(&batch);
    heap->high_water_budget -= (int64_t)batch.all_pages; /* a batch is larger than what was left: a debt */
    note_event(heap, &batch);
    /* The next purge comes at the same mark or, if few pages could be given back, at a higher one. */
    uint64_t pages = heap->layout.resident_pages, step = pages / HIGH_WATER_SHARE;
    if (step < HIGH_WATER_PAGES)
        step = HIGH_WATER_PAGES;
    if (pages + step > heap->high_water_pages)
        heap->high_water_pages = pages + step;
    heed_limit(heap, false);
}

/* --- stepping --- */

bool neap__purge_admit(neap_heap_t *heap, uint64_t pages) {
    if (NEAP_UNLIKELY(heap->layout.resident_pages + pages > heap->high_water_pages))
        neap__purge_at_high_water(heap);
    return heap->layout.resident_pages + pages - neap__heap_meshed_away(heap) <= heap->limit_pages;
}

void neap__purge_came(neap_heap_t *heap, uint64_t pages) {
    heap->layout.resident_pages += pages;
    if (heap->layout.resident_pages > heap->layout.peak_pages)
        heap->layout.peak_pages = heap->layout.resident_pages;
}

void neap__purge_bounced(neap_heap_t *heap, uint64_t pages, uint32_t gap_ms) {
    if (gap_ms > NEAP_BOUNCE_MS)
        return;
    heap->bounced_pages += pages;
    heap->bounce_ms = neap__heap_ms(heap);
    if (gap_ms > heap->bounce_gap_ms)
        heap->bounce_gap_ms = gap_ms;
}

/* Sets the decay by the pages that have bounced since it last changed, and notes activity. */
static void adapt(neap_heap_t *heap, uint32_t now_ms) {
    uint32_t *decay_ms = &heap->layout.decay_ms;
    if (heap->bounced_pages >= BOUNCE_PAGES &&
        heap->bounced_pages >= heap->layout.resident_pages / BOUNCE_SHARE) {
        /* Long enough that the same pages would not have been given back. */
        uint32_t need = heap->bounce_gap_ms + *decay_ms + *decay_ms / 2;
        need += need / 4;
        uint32_t most = heap->decay_base_ms > NEAP_DECAY_MS_MAX ? heap->decay_base_ms : NEAP_DECAY_MS_MAX;
        if (need > *decay_ms)
            *decay_ms = need < most ? need : most;
        heap->bounced_pages = 0;
        heap->bounce_gap_ms = 0;
    } else if (*decay_ms > heap->decay_base_ms && now_ms - heap->bounce_ms > CALM_MS) {
        *decay_ms = heap->decay_base_ms;
        heap->bounced_pages = 0;
        heap->bounce_gap_ms = 0;
    }
    if (heap->activity != heap->activity_seen) {
        heap->activity_seen = heap->activity;
        heap->active_ms = now_ms;
    }
}

/* Lets other threads take the lock, if any wait for it. */
void neap__purge_breathe(neap_heap_t *heap) {
    bool contended = neap_os_lock_contended(&heap->lock);
    neap_os_unlock(&heap->lock);
    if (contended)
        neap_os_sleep_ns(20000);
    neap_os_lock(&heap->lock);
}

uint32_t neap__purge_step(neap_heap_t *heap) {
    struct batch batch = {.count = 0};
    uint64_t start_ns = neap_os_now_ns();
    uint32_t since_breath = 0;
    neap_os_lock(&heap->lock);
    uint32_t now_ms = neap__heap_ms(heap);
    adapt(heap, now_ms);
    uint32_t decay_ms = heap->layout.decay_ms;
    bool idle = now_ms - heap->active_ms >= NEAP_DECAY_MS_MAX;
    batch.cause = idle ? NEAP_PURGE_IDLE : NEAP_PURGE_DECAY;
    for (uint32_t n = 0; n < heap->layout.region_count; n++) {
        for (uint32_t w = 0; w < words_of(heap, n); w++) {
            uint64_t before = batch.all_pages;
            uint32_t looked = look_word(heap, &batch, n, w, now_ms, idle ? 0 : decay_ms);
            since_breath += looked;
            if (since_breath >= LOOKS_A_HOLD || batch.all_pages > before) {
                batch_flush(&batch);
                neap__purge_breathe(heap);
                since_breath = 0;
            }
        }
    }
    for (uint64_t before = UINT64_MAX; spent(&batch) != before;) {
        before = spent(&batch);
        give_back_mapped(heap, &batch, now_ms, idle ? 0 : decay_ms, before + BATCH_PAGES);
        if (spent(&batch) != before)
            neap__purge_breathe(heap);
    }
    note_event(heap, &batch);
    if (idle)
        neap__region_shrink(heap);
    heap->wake_wanted = neap__heap_waiting_units(heap) == 0;
    bool done = heap->wake_wanted;
    neap_os_unlock(&heap->lock);
    if (done)
        return 0;
    uint64_t cost_ms = (neap_os_now_ns() - start_ns - batch.took_ns) / 1000000 * COST_SHARE;
    uint64_t wait_ms = decay_ms / 2 > STEP_MS_MIN ? decay_ms / 2 : STEP_MS_MIN;
    if (cost_ms > wait_ms)
        wait_ms = cost_ms < NEAP_DECAY_MS_MAX ? cost_ms : NEAP_DECAY_MS_MAX;
    return (uint32_t)wait_ms;
}
