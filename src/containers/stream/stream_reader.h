/* containers/stream/stream_reader.h: what the files of the stream share about readers. */
#ifndef NEAP_CONTAINERS_STREAM_STREAM_READER_H
#define NEAP_CONTAINERS_STREAM_STREAM_READER_H

#include <neap/stream.h>

/* As neap_stream_reader_read, but the reader stays before what was copied. */
size_t neap__stream_reader_copy(struct neap_stream_reader *reader, void *buffer, size_t bytes);

/* Moves on by bytes that were there, whatever has become of them. */
void neap__stream_reader_skip(struct neap_stream_reader *reader, size_t bytes);

#endif
