/* word_counts.c: words counted in a map, the counts saved, and read where they lie.
 *
 *     cc word_counts.c $(pkg-config --cflags --libs neap) && ./a.out
 */
#include <stdio.h>
#include <string.h>

#include <neap/map.h>

static const char text[] = "tide by tide the neap tide and the spring tide turn";
static const char path[] = "word_counts.neap";

/* Counts every word of the text; false if memory is out. */
static bool count_words(neap_map_t *counts) {
    for (const char *word = text; *word != '\0';) {
        size_t length = strcspn(word, " ");
        union neap_item key = {.text = {word, length}}, one = {.i = 1};
        if (neap_map_add(counts, key, one, NULL) != NEAP_OK)
            return false;
        word += length + strspn(word + length, " ");
    }
    return true;
}

static void print_count(const neap_map_t *counts, const char *word) {
    union neap_item key = {.text = {word, strlen(word)}}, count;
    if (neap_map_get(counts, key, &count))
        printf("%s: %u\n", word, (unsigned)count.u);
    else
        printf("%s: never\n", word);
}

int main(void) {
    neap_map_t *counts = neap_map_new(NEAP_KIND_STR, NEAP_KIND_U32, NULL), *saved;
    if (!counts || !count_words(counts) || neap_map_save(counts, path) != NEAP_OK)
        return 1;
    printf("%u different words\n", (unsigned)neap_map_count(counts));
    neap_map_destroy(counts);

    int error = neap_map_open(path, NULL, &saved);
    if (error != NEAP_OK) {
        fprintf(stderr, "%s: %s\n", path, neap_error_text(error));
        return 1;
    }
    print_count(saved, "tide");
    print_count(saved, "neap");
    print_count(saved, "ebb");
    neap_map_destroy(saved);
    return remove(path);
}
