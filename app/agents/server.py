"""The tools as a server of the Model Context Protocol, whatever carries its messages.

Imports the SDK, which takes half a second and 23 MiB: only what talks to an agent imports this.
"""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

from mcp import MCPError
from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel import Server
from mcp_types import (
    INVALID_PARAMS,
    CallToolRequestParams,
    CallToolResult,
    ListToolsResult,
    PaginatedRequestParams,
    TextContent,
    ToolAnnotations,
)
from mcp_types import Tool as ToolMessage

from app.agents.calls import CallRefused, Calls
from app.agents.results import schema_of
from app.agents.tools import INSTRUCTIONS, TOOLS, Tool
from app.telemetry import logger

Context = ServerRequestContext[Any, Any]
Connect = Callable[[Context], AbstractAsyncContextManager[Calls]]
log = logger("hopfact.agents")


def agent_server(version: str, connect: Connect, *, may_write: bool) -> Server[Any]:
    """A server of the tools; `connect` gives a tool its calls, for the message that asks for it."""
    tools = {tool.name: tool for tool in TOOLS if may_write or not tool.writes}

    listed = [_message(tool) for tool in tools.values()]

    async def list_tools(context: Context, _: PaginatedRequestParams | None) -> ListToolsResult:
        return ListToolsResult(tools=listed)

    async def call_tool(context: Context, asked: CallToolRequestParams) -> CallToolResult:
        tool = tools.get(asked.name)
        if tool is None:
            raise MCPError(INVALID_PARAMS, f"There is no tool {asked.name[:80]!r}: take {', '.join(tools)}.")
        try:
            async with connect(context) as calls:
                result = await tool.call(calls, asked.arguments or {})
        except CallRefused as error:
            return CallToolResult(content=[TextContent(text=str(error))], is_error=True)
        return CallToolResult(
            content=[TextContent(text=result.model_dump_json())], structured_content=result.model_dump(mode="json")
        )

    server: Server[Any] = Server(
        "hopfact",
        title="Hopfact",
        version=version,
        instructions=INSTRUCTIONS,
        on_list_tools=list_tools,
        on_call_tool=call_tool,
    )
    server.middleware.clear()  # the SDK's own traces: ours are in app.tracing
    return server


def _message(tool: Tool) -> ToolMessage:
    hints = ToolAnnotations(
        read_only_hint=not tool.writes, destructive_hint=False, idempotent_hint=True, open_world_hint=False
    )
    return ToolMessage(
        name=tool.name,
        title=tool.title,
        description=tool.description,
        input_schema=schema_of(tool.takes),
        output_schema=schema_of(tool.gives),
        annotations=hints,
    )
