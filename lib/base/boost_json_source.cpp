// Boost.JSON compiled into the library, so that no other Boost is linked.
#include <boost/json/src.hpp>
