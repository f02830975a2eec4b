from ._bits import Bits as Bits
from ._map import Map as Map
from ._neap import NotServing as NotServing
from ._neap import Stats as Stats
from ._neap import stats as stats
from ._neap import trim as trim
from ._trie import FrozenTrie as FrozenTrie
from ._trie import Trie as Trie
from .store import Store as Store
from .store import StoreError as StoreError
from .store import connect as connect
from .stream_asyncio import StreamProtocol as StreamProtocol
from .streams import Overrun as Overrun
from .streams import Reader as Reader
from .streams import Stream as Stream
from .streams import WriterDied as WriterDied

__version__: str
serving: bool
