//! Where packets come from: replay, the simulator; faults and the recorder as middleware.
