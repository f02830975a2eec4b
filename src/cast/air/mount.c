/* cast/air/mount.c: the ring's writer, the title, and the places where one can begin. */
#include "cast/air/mount.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <neap/error.h>

#include "cast/format/icy_metadata.h"

/* The ring has room for the queue and for two margins. A listener who is behind by more than the queue and
 * one margin is late: the writer has at least another one to fill before it reaches him. */
enum { MARGIN_PART = 6, MARGIN_BYTES_LEAST = 32768 };

static uint64_t margin_of(uint64_t queue_bytes) {
    uint64_t margin = queue_bytes / MARGIN_PART;
    return margin > MARGIN_BYTES_LEAST ? margin : MARGIN_BYTES_LEAST;
}

/* --- life ------------------------------------------------------------------------ */

void cast_facts_clear(struct cast_facts *facts) {
    char *const texts[] = {facts->content_type, facts->stream_name, facts->description,
                           facts->genre,        facts->url,         facts->bitrate,
                           facts->agent,        facts->audio_info,  facts->relay_path};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        free(texts[i]);
    *facts = (struct cast_facts){.is_public = false};
}

/* application/ogg, audio/ogg, video/ogg, and with parameters behind. */
static bool type_is_ogg(const char *type) {
    const char *slash = strchr(type, '/');
    if (!slash || strncasecmp(slash, "/ogg", 4) != 0)
        return false;
    return slash[4] == '\0' || slash[4] == ';' || slash[4] == ' ';
}

static void mount_free(struct cast_mount *mount) {
    neap_stream_destroy(mount->ring);
    cast_ogg_pages_close(&mount->pages);
    cast_blob_drop(mount->title_block);
    cast_blob_drop(mount->headers);
    cast_facts_clear(&mount->facts);
    free(mount->title);
    free(mount->fallback);
    free(mount->name);
    free(mount);
}

struct cast_mount *cast_mount_new(const char *name, uint64_t queue_bytes, const struct cast_facts *facts) {
    struct cast_mount *mount = calloc(1, sizeof(*mount));
    if (!mount)
        return NULL;
    uint64_t ring_bytes = queue_bytes + 2 * margin_of(queue_bytes);
    atomic_init(&mount->holders, 1);
    atomic_init(&mount->state, CAST_MOUNT_OPEN);
    mount->queue_bytes = queue_bytes;
    mount->ring =
        neap_stream_new(CAST_RING_BLOCK_BYTES, (size_t)(ring_bytes / CAST_RING_BLOCK_BYTES) + 1, NULL);
    mount->name = strdup(name);
    mount->title = strdup("");
    mount->fallback = strdup("");
    if (!mount->ring || !mount->name || !mount->title || !mount->fallback) {
        mount_free(mount);
        return NULL;
    }
    mount->facts = *facts;
    mount->is_ogg = type_is_ogg(facts->content_type);
    cast_ogg_pages_open(&mount->pages, 0);
    return mount;
}

struct cast_mount *cast_mount_hold(struct cast_mount *mount) {
    atomic_fetch_add_explicit(&mount->holders, 1, memory_order_relaxed);
    return mount;
}

void cast_mount_drop(struct cast_mount *mount) {
    if (mount && atomic_fetch_sub_explicit(&mount->holders, 1, memory_order_acq_rel) == 1)
        mount_free(mount);
}

void cast_mount_resume(struct cast_mount *mount, struct cast_facts *facts) {
    neap_os_lock(&mount->lock);
    cast_facts_clear(&mount->facts);
    mount->facts = *facts;
    mount->chain_at = neap_stream_written(mount->ring);
    neap_os_unlock(&mount->lock);
    /* The new source begins a chain of its own, whatever page the last one was in. */
    cast_ogg_pages_close(&mount->pages);
    cast_ogg_pages_open(&mount->pages, neap_stream_written(mount->ring));
    atomic_store(&mount->state, CAST_MOUNT_ON_AIR);
}

void cast_mount_lose(struct cast_mount *mount, uint64_t now_ms) {
    atomic_store(&mount->lost_ms, now_ms);
    atomic_store(&mount->state, CAST_MOUNT_WAITING);
}

/* --- bytes --------------------------------------------------------------------- */

void cast_mount_claim(struct cast_mount *mount, size_t bytes, struct neap_span *span) {
    int error = neap_stream_claim(mount->ring, bytes, span);
    assert(error == NEAP_OK && span->bytes > 0);
    (void)error;
}

/* The headers of a chain become those of new listeners when the first page after them begins. NULL: they are
 * as before, or there is no memory, and hardly any for a new listener either. */
static struct cast_blob *headers_new(const struct cast_mount *mount) {
    const struct cast_ogg_pages *pages = &mount->pages;
    const struct cast_blob *now = mount->headers; /* only this thread changes it */
    if (now && now->bytes == pages->header_bytes && memcmp(now->data, pages->headers, now->bytes) == 0)
        return NULL;
    return cast_blob_new(pages->headers, pages->header_bytes);
}

static void start_note(void *context, uint64_t offset) {
    struct cast_mount *mount = context;
    struct cast_blob *made = headers_new(mount), *old = NULL;
    neap_os_lock(&mount->lock);
    if (made) {
        old = mount->headers;
        mount->headers = made;
        mount->start_count = 0; /* places in earlier chains belong to other headers */
    }
    mount->starts[(mount->start_first + mount->start_count) % CAST_STARTS_MOST] = offset;
    if (mount->start_count < CAST_STARTS_MOST)
        mount->start_count++;
    else
        mount->start_first = (mount->start_first + 1) % CAST_STARTS_MOST;
    neap_os_unlock(&mount->lock);
    cast_blob_drop(old);
}

/* Some source clients call everything audio/mpeg. What begins as Ogg is Ogg. */
static void first_bytes_look(struct cast_mount *mount, const struct neap_span *span, size_t bytes) {
    char *type = bytes >= 4 && memcmp(span->data, "OggS", 4) == 0 ? strdup("application/ogg") : NULL;
    if (!type)
        return;
    neap_os_lock(&mount->lock);
    mount->is_ogg = true;
    free(mount->facts.content_type);
    mount->facts.content_type = type;
    neap_os_unlock(&mount->lock);
}

void cast_mount_commit(struct cast_mount *mount, const struct neap_span *span, size_t bytes) {
    if (bytes == 0)
        return;
    if (atomic_load_explicit(&mount->state, memory_order_relaxed) == CAST_MOUNT_OPEN && !mount->is_ogg)
        first_bytes_look(mount, span, bytes);
    if (mount->is_ogg)
        cast_ogg_pages_feed(&mount->pages, span->data, bytes, start_note, mount);
    int error = neap_stream_commit(mount->ring, bytes);
    assert(error == NEAP_OK);
    (void)error;
    atomic_fetch_add_explicit(&mount->received_bytes, bytes, memory_order_relaxed);
    if (atomic_load_explicit(&mount->state, memory_order_relaxed) == CAST_MOUNT_OPEN)
        atomic_store(&mount->state, CAST_MOUNT_ON_AIR);
}

/* --- title --------------------------------------------------------------------- */

int cast_mount_set_title(struct cast_mount *mount, const char *title, const char *url) {
    uint8_t block[CAST_ICY_BLOCK_BYTES_MOST];
    struct cast_blob *made = cast_blob_new(block, cast_icy_block_write(title, url, block));
    char *title_copy = strdup(title);
    if (!made || !title_copy) {
        cast_blob_drop(made);
        free(title_copy);
        return NEAP_ERROR_MEMORY;
    }
    neap_os_lock(&mount->lock);
    struct cast_blob *old_block = mount->title_block;
    char *old_title = mount->title;
    mount->title_block = made;
    mount->title = title_copy;
    mount->title_version++;
    neap_os_unlock(&mount->lock);
    cast_blob_drop(old_block);
    free(old_title);
    return NEAP_OK;
}

/* --- places -------------------------------------------------------------------- */

static uint64_t start_at(const struct cast_mount *mount, unsigned i) {
    return mount->starts[(mount->start_first + i) % CAST_STARTS_MOST];
}

/* With the lock. */
static uint64_t start_after(const struct cast_mount *mount, uint64_t offset) {
    uint64_t found = neap_stream_written(mount->ring);
    for (unsigned i = mount->start_count; i > 0 && start_at(mount, i - 1) >= offset; i--)
        found = start_at(mount, i - 1);
    return mount->is_ogg ? found : offset;
}

/* The offset that is `bytes` before the end. */
static uint64_t behind(const struct cast_mount *mount, uint64_t bytes) {
    uint64_t written = neap_stream_written(mount->ring);
    return bytes < written ? written - bytes : 0;
}

bool cast_mount_is_late(const struct cast_mount *mount, uint64_t offset) {
    return offset < behind(mount, mount->queue_bytes + margin_of(mount->queue_bytes));
}

uint64_t cast_mount_landing(struct cast_mount *mount) {
    neap_os_lock(&mount->lock);
    uint64_t found = start_after(mount, behind(mount, mount->queue_bytes / 2));
    neap_os_unlock(&mount->lock);
    return found;
}

uint64_t cast_mount_entry(struct cast_mount *mount, uint64_t burst_bytes, struct cast_blob **headers) {
    neap_os_lock(&mount->lock);
    uint64_t first = behind(mount, mount->queue_bytes);
    uint64_t wanted = behind(mount, burst_bytes);
    uint64_t offset = start_after(mount, wanted > first ? wanted : first);
    *headers = mount->headers && mount->headers->bytes > 0 ? cast_blob_hold(mount->headers) : NULL;
    /* The headers of the first chain are still coming: whoever comes now gets them from the ring. */
    if (mount->is_ogg && mount->start_count == 0 && !*headers && mount->chain_at >= first)
        offset = mount->chain_at;
    neap_os_unlock(&mount->lock);
    return offset;
}

bool cast_mount_check(struct cast_mount *mount, const char **why) {
    bool ok = neap_stream_check(mount->ring, why);
    neap_os_lock(&mount->lock);
    for (unsigned i = 1; ok && i < mount->start_count; i++)
        if (start_at(mount, i - 1) >= start_at(mount, i))
            ok = false, *why = "starts do not rise";
    if (ok && (!mount->title || !mount->fallback))
        ok = false, *why = "a text is missing";
    if (ok && (mount->title_version == 0) != !mount->title_block)
        ok = false, *why = "a title has no block";
    if (ok && atomic_load(&mount->holders) == 0)
        ok = false, *why = "nobody holds it";
    neap_os_unlock(&mount->lock);
    return ok;
}
