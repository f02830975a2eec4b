/* cast/air/words.h: texts that many listeners share, such as the names of players, each held once.
 *
 * A listener's record holds the number of a text (4 bytes) and not the text. A text lives as long as it has a
 * holder; its number is then used again. Number 0 is the empty text. Any thread.
 */
#ifndef CAST_AIR_WORDS_H
#define CAST_AIR_WORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cast_words;

/* NULL if there is no memory. */
struct cast_words *cast_words_new(void);
void cast_words_destroy(struct cast_words *words);

/* The number of `text`, with one holder more; NULL is as the empty text. 0 if there is no memory: what a
 * listener calls himself is not worth an error. */
uint32_t cast_words_hold(struct cast_words *words, const char *text);
void cast_words_drop(struct cast_words *words, uint32_t number);

/* Copies the text of a number that the caller holds, cut to fit. Returns `out`. */
char *cast_words_copy(struct cast_words *words, uint32_t number, char *out, size_t room);

/* Verifies every invariant. Returns false, with a static text in *why, at the first that does not hold. */
bool cast_words_check(struct cast_words *words, const char **why);

#endif
